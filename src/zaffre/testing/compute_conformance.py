"""What every backend must do, as tests. Subclass it and say how your backend is made:

    class TestMyBackend(ComputeConformance):
        def new_backend(self) -> ComputeBackend:
            return MyBackend(...)

`new_backend` is called anew where a test plays the restart of a server: what the old one started must be found.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.ports.compute import (
    TASK_ID_VARIABLE,
    ComputeBackend,
    Handle,
    Observation,
    Task,
    TaskState,
    WaitsOnMany,
)

PATIENCE_S = 20.0


class ComputeConformance:
    def new_backend(self) -> ComputeBackend:
        pytest.fail("a subclass returns its backend from new_backend()")

    @pytest.fixture
    def backend(self) -> ComputeBackend:
        return self.new_backend()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Where tasks work; override it if tasks of the backend see other folders than the tests."""
        return tmp_path

    # What tests are written with

    def task(self, folder: Path, command: str, name: str = "task", **more: object) -> Task:
        control = folder / f"{name}-control"
        control.mkdir(exist_ok=True)
        env: Mapping[str, str] = {"PATH": os.environ["PATH"]}
        values = {"cwd": folder, "log": folder / f"{name}.log", "control": control, "env": env, **more}
        return Task(id=f"{folder.name}-{name}", command=command, **values)  # type: ignore[arg-type]

    def wait(self, backend: ComputeBackend, handle: Handle) -> Observation:
        until = time.monotonic() + PATIENCE_S
        while (seen := backend.observe([handle])[0]).state is TaskState.RUNNING:
            assert time.monotonic() < until, "the task did not end"
            time.sleep(0.005)
        return seen

    def run(self, backend: ComputeBackend, task: Task) -> Observation:
        return self.wait(backend, backend.start(task))

    def wait_for(self, path: Path) -> str:
        """The first whole line of a file that a task writes."""
        until = time.monotonic() + PATIENCE_S
        while not path.exists() or not path.read_text().endswith("\n"):
            assert time.monotonic() < until, f"{path.name} was not written"
            time.sleep(0.005)
        return path.read_text().strip()

    # Output

    def test_output_opened_by_name_does_not_cut_the_log(self, backend: ComputeBackend, folder: Path) -> None:
        command = "echo 1; echo 2 > /dev/stderr; echo 3 >&2; echo 4 > /proc/self/fd/1; (echo 5 > /dev/stdout); exit 3"
        task = self.task(folder, command, reopens_output=True)
        assert self.run(backend, task) == Observation(TaskState.EXITED, 3)
        assert task.log.read_text() == "1\n2\n3\n4\n5\n"

    # Ends

    @pytest.mark.parametrize("code", [0, 1, 3, 125, 126, 255])
    def test_exit_code_is_the_commands(self, backend: ComputeBackend, folder: Path, code: int) -> None:
        assert self.run(backend, self.task(folder, f"exit {code}")) == Observation(TaskState.EXITED, code)

    @pytest.mark.parametrize("number", [1, 9, 11, 15])
    def test_signal_n_is_exit_code_128_plus_n(self, backend: ComputeBackend, folder: Path, number: int) -> None:
        seen = self.run(backend, self.task(folder, f"kill -{number} $$"))
        assert (seen.state, seen.exit_code) == (TaskState.EXITED, 128 + number)

    def test_unknown_program_is_named_in_the_log(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "no-such-program --option")
        assert self.run(backend, task).exit_code == 127
        assert "no-such-program" in task.log.read_text()

    def test_command_is_a_whole_script(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, 'for i in 1 2\ndo\n  echo "line $i"\ndone\necho \'a  b\' | tr a-z A-Z && echo "$0 ok"')
        assert self.run(backend, task).exit_code == 0
        assert task.log.read_text().splitlines()[:3] == ["line 1", "line 2", "A  B"]

    def test_long_command(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "#" + "é" * 400_000 + "\necho done; exit 4")
        assert self.run(backend, task).exit_code == 4
        assert task.log.read_text() == "done\n"

    # Surroundings

    def test_environment_is_exactly_what_was_given(
        self, backend: ComputeBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
        given = {"PATH": os.environ["PATH"], "EMPTY": "", "WITH.DOT": "1", "TEXT": "ä\n'\"$x 数", "line": "kept"}
        task = self.task(folder, "cat /proc/self/environ", env=given)
        assert self.run(backend, task).exit_code == 0
        seen = dict(item.split("=", 1) for item in task.log.read_text().split("\0") if item)
        for extra in ("PWD", "SHLVL", "_"):  # every shell sets these
            seen.pop(extra, None)
        assert seen == {**given, TASK_ID_VARIABLE: task.id}

    def test_working_folder(self, backend: ComputeBackend, folder: Path) -> None:
        place = folder / "with blank, ünïcode 数据 and $(quote'\")"
        place.mkdir()
        task = self.task(folder, "pwd; echo x > here", cwd=place)
        assert self.run(backend, task).exit_code == 0
        assert task.log.read_text() == f"{place}\n"
        assert (place / "here").exists()

    def test_missing_working_folder_is_refused(self, backend: ComputeBackend, folder: Path) -> None:
        with pytest.raises(InvalidRequest, match="no-such-folder"):
            backend.start(self.task(folder, "true", cwd=folder / "no-such-folder"))

    def test_nul_in_the_command_is_refused(self, backend: ComputeBackend, folder: Path) -> None:
        with pytest.raises(InvalidRequest):
            backend.start(self.task(folder, "echo a\0b"))

    def test_standard_input_is_empty(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "cat; echo end")
        assert self.run(backend, task).exit_code == 0
        assert task.log.read_text() == "end\n"

    def test_stdout_and_stderr_are_appended_in_order(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "for i in 1 2 3; do echo out$i; echo err$i >&2; done")
        task.log.write_text("before\n")
        assert self.run(backend, task).exit_code == 0
        assert task.log.read_text().split() == ["before", "out1", "err1", "out2", "err2", "out3", "err3"]

    def test_limits(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "ulimit -n; ulimit -v", ulimits={"nofile": 64, "as": 2**31})
        assert self.run(backend, task).exit_code == 0
        assert task.log.read_text().split() == ["64", str(2**21)]
        with pytest.raises(InvalidRequest, match="colour"):
            backend.start(self.task(folder, "true", "other", ulimits={"colour": 1}))

    # Once, and found again

    def test_second_start_with_the_same_control_runs_nothing(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "echo ran")
        self.run(backend, task)
        self.run(backend, task)
        assert task.log.read_text() == "ran\n"

    def test_find_before_start_forbids_the_start(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "echo ran")
        assert backend.find(task.id, task.control) is None
        assert backend.find(task.id, task.control) is None
        assert self.run(backend, task).state is TaskState.NEVER_STARTED
        assert not task.log.exists() or "ran" not in task.log.read_text()

    def test_restarted_server_finds_a_running_task(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "echo ready > ready; until [ -e go ]; do sleep 0.01; done; exit 6")
        backend.start(task)
        self.wait_for(folder / "ready")
        again = self.new_backend()
        handle = again.find(task.id, task.control)
        assert handle is not None
        assert again.observe([handle])[0].state is TaskState.RUNNING
        (folder / "go").touch()
        assert self.wait(again, handle) == Observation(TaskState.EXITED, 6)

    def test_restarted_server_finds_an_ended_task(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "exit 7")
        first = backend.start(task)
        self.wait(backend, first)
        again = self.new_backend()
        found = again.find(task.id, task.control)
        assert found is not None
        assert again.observe([found, first]) == [Observation(TaskState.EXITED, 7)] * 2

    def test_many_are_observed_in_order(self, backend: ComputeBackend, folder: Path) -> None:
        handles = [backend.start(self.task(folder, f"exit {code}", f"t{code}")) for code in range(20)]
        for handle in handles:
            self.wait(backend, handle)
        assert [seen.exit_code for seen in backend.observe(handles)] == list(range(20))

    def test_several_threads_observe_one_task(self, backend: ComputeBackend, folder: Path) -> None:
        handle = backend.start(self.task(folder, "sleep 0.1; exit 9"))
        seen: list[Observation] = []
        threads = [threading.Thread(target=lambda: seen.append(self.wait(backend, handle))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [Observation(TaskState.EXITED, 9)] * 4

    # Stop

    def test_stop_lets_the_command_end_well(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "trap 'echo bye; exit 5' TERM; echo ready > ready; while :; do sleep 0.01; done")
        handle = backend.start(task)
        self.wait_for(folder / "ready")
        backend.stop(handle, 10)
        assert self.wait(backend, handle) == Observation(TaskState.EXITED, 5)
        assert "bye" in task.log.read_text()

    def test_stop_kills_what_does_not_listen(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "trap '' TERM; echo ready > ready; while :; do sleep 0.01; done")
        handle = backend.start(task)
        self.wait_for(folder / "ready")
        began = time.monotonic()
        backend.stop(handle, 0.6)
        assert time.monotonic() - began < 0.5, "stop must return at once"
        assert self.wait(backend, handle) == Observation(TaskState.EXITED, 137)
        assert time.monotonic() - began >= 0.6

    def test_stop_right_after_start(self, backend: ComputeBackend, folder: Path) -> None:
        for number in range(10):
            handle = backend.start(self.task(folder, "sleep 60", f"t{number}"))
            backend.stop(handle, 5)
            began = time.monotonic()
            assert self.wait(backend, handle).state in (TaskState.EXITED, TaskState.NEVER_STARTED)
            assert time.monotonic() - began < 2

    def test_stop_twice_and_after_the_end(self, backend: ComputeBackend, folder: Path) -> None:
        handle = backend.start(self.task(folder, "sleep 60"))
        backend.stop(handle, 5)
        backend.stop(handle, 0)
        seen = self.wait(backend, handle)
        assert seen.exit_code in (137, 143)
        backend.stop(handle, 0)
        assert backend.observe([handle]) == [seen]

    def test_restarted_server_stops(self, backend: ComputeBackend, folder: Path) -> None:
        task = self.task(folder, "echo ready > ready; sleep 60")
        backend.start(task)
        self.wait_for(folder / "ready")
        again = self.new_backend()
        handle = again.find(task.id, task.control)
        assert handle is not None
        again.stop(handle, 5)
        assert self.wait(again, handle).exit_code == 143

    # Waiting

    def test_watched_descriptor_becomes_readable_at_the_end(self, backend: ComputeBackend, folder: Path) -> None:
        if not isinstance(backend, WaitsOnMany):
            pytest.skip("this backend is polled")
        handle = backend.start(self.task(folder, "until [ -e go ]; do sleep 0.01; done"))
        watched = backend.watch(handle)
        assert watched is not None
        try:
            assert select.select([watched], [], [], 0.1)[0] == []
            (folder / "go").touch()
            assert select.select([watched], [], [], PATIENCE_S)[0] == [watched]
            assert backend.observe([handle])[0] == Observation(TaskState.EXITED, 0)
        finally:
            os.close(watched)
        assert backend.watch(handle) is None
