"""Logs that rotate under real writers: every byte once, in order."""

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from zaffre.base.errors import Unavailable
from zaffre.plugins.logs import read as reading
from zaffre.plugins.logs.layout import layout
from zaffre.plugins.logs.read import LogReader, iterate, read, size, tail_lines
from zaffre.plugins.logs.rotate import rotate

KB, MB = 2**10, 2**20


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "std.log"


def whole(log: Path) -> bytes:
    return b"".join(iterate(log))


def numbered(count: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(count))


def writer(log: Path, program: str) -> subprocess.Popen[bytes]:
    with open(log, "ab") as file:
        return subprocess.Popen([sys.executable, "-I", "-S", "-c", program], stdout=file, stderr=file)


class TestRotation:
    def test_small_log_is_left_alone(self, log: Path) -> None:
        log.write_bytes(b"abc\n")
        assert rotate(log) == 0
        assert os.listdir(log.parent) == ["std.log"]

    def test_missing_log_is_empty(self, log: Path) -> None:
        assert rotate(log) == 0
        assert (size(log), read(log, 0).data, whole(log), tail_lines(log, 5).data) == (0, b"", b"", b"")

    def test_parts_are_cut_at_line_ends_and_freed(self, log: Path) -> None:
        data = numbered(200_000)
        log.write_bytes(data)
        assert rotate(log, 256 * KB) > 0
        parts = layout(log).segments
        assert all(data[part.end - 1 : part.end] == b"\n" for part in parts)
        assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
        assert log.stat().st_size == len(data) == size(log)
        assert log.stat().st_blocks * 512 < 300 * KB
        assert whole(log) == data

    def test_any_range_can_be_read(self, log: Path) -> None:
        data = random.Random(1).randbytes(3 * MB)
        log.write_bytes(data)
        rotate(log, 700 * KB)
        for seed in range(200):
            chance = random.Random(seed)
            start, limit = chance.randrange(len(data)), chance.choice([1, 100, 64 * KB, 5 * MB])
            piece = read(log, start, limit)
            assert 0 < len(piece.data) <= limit
            assert piece.data == data[start : piece.next_offset]

    def test_standard_tool_reads_a_segment(self, log: Path) -> None:
        import zstandard

        data = numbered(300_000)
        log.write_bytes(data)
        rotate(log, 2 * MB)
        part = layout(log).segments[0]
        with part.path.open("rb") as file:
            plain = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
        assert plain == data[: part.end]

    def test_endless_line(self, log: Path) -> None:
        log.write_bytes(b"x" * 5 * MB)
        rotate(log, MB)
        assert len(layout(log).segments) >= 3
        assert whole(log) == b"x" * 5 * MB

    def test_kill_between_storing_and_freeing(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        data = numbered(100_000)
        log.write_bytes(data)
        with monkeypatch.context() as patch:

            def die(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr("zaffre.plugins.logs.rotate._free", lambda live, found: die() if found.segments else None)
            with pytest.raises(KeyboardInterrupt):
                rotate(log, 200 * KB)
        assert whole(log) == data
        rotate(log, 200 * KB)
        assert whole(log) == data
        assert log.stat().st_blocks * 512 < 300 * KB

    def test_file_system_without_holes(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr("zaffre.plugins.logs.rotate._punch", refuse)
        log.write_bytes(numbered(100_000))
        assert rotate(log, 100 * KB) == 0
        assert os.listdir(log.parent) == ["std.log"]
        assert whole(log) == numbered(100_000)

    def test_cap_removes_the_oldest_and_says_so(self, log: Path) -> None:
        data = random.Random(2).randbytes(4 * MB)
        log.write_bytes(data)
        rotate(log, 512 * KB, max_bytes=2 * MB)
        first = layout(log).first
        assert 0 < first < len(data)
        note = f"[{first} bytes of log removed to keep it within its limit]\n".encode()
        assert whole(log) == note + data[first:]
        assert read(log, 10) == reading.Piece(note.replace(b"%d" % first, b"%d" % (first - 10)), first)
        assert size(log) == len(data)

    @pytest.mark.parametrize("hostile", ["link", "pipe", "folder"])
    def test_job_put_something_else_in_its_place(self, log: Path, hostile: str) -> None:
        secret = log.parent / "secret"
        secret.write_bytes(b"secret")
        {"link": lambda: log.symlink_to(secret), "pipe": lambda: os.mkfifo(log), "folder": log.mkdir}[hostile]()
        with pytest.raises(Unavailable, match=r"std\.log"):
            rotate(log)
        with pytest.raises(Unavailable, match=r"std\.log"):
            read(log, 0)

    def test_damaged_segment_is_named(self, log: Path) -> None:
        log.write_bytes(numbered(100_000))
        rotate(log, 200 * KB)
        part = layout(log).segments[0].path
        good = part.read_bytes()
        for bad in (b"", good[:100], good[:50] + b"\0\0\0\0" + good[54:], good[:-1] + b"x"):
            part.write_bytes(bad)
            with pytest.raises(Unavailable, match="damaged"):
                read(log, 0)

    def test_job_that_cuts_its_own_log(self, log: Path) -> None:
        data = numbered(50_000)
        log.write_bytes(data)
        rotate(log, 100 * KB)
        moved = layout(log).moved
        assert writer(log, "import os; open('/dev/stderr', 'w').write('again\\n'); os.write(2, b'more\\n')").wait() == 0
        rotate(log, 100 * KB)
        assert whole(log) == data[:moved] + b"again\nmore\n"
        with open(log, "ab") as file:
            file.write(data)
        rotate(log, 100 * KB)
        assert whole(log) == data[:moved] + b"again\nmore\n" + data


class TestReading:
    def test_tail(self, log: Path) -> None:
        data = numbered(100_000)
        log.write_bytes(data + b"unfinished")
        rotate(log, 300 * KB)
        assert tail_lines(log, 2).data == b"line 99999\nunfinished"
        assert tail_lines(log, 0).data == b""
        assert (
            tail_lines(log, 90_000).data == b"".join(b"line %d\n" % n for n in range(10_001, 100_000)) + b"unfinished"
        )
        assert tail_lines(log, 10**9).data == data + b"unfinished"
        assert tail_lines(log, 3).next_offset == size(log)

    def test_tail_of_an_endless_line_is_bounded(self, log: Path) -> None:
        with open(log, "wb") as file:
            file.truncate(500 * MB)
        assert len(tail_lines(log, 10).data) <= reading.TAIL_BYTES + reading.BLOCK_BYTES

    def test_bytes_are_kept_as_they_are(self, log: Path) -> None:
        data = bytes(range(256)) * 1000 + "ünï 数据\r\n".encode() + b"\xff\xfe\0\r\x1b[0m\n"
        log.write_bytes(data)
        rotate(log, 50 * KB)
        assert whole(log) == data
        assert tail_lines(log, 1).data == b"\xff\xfe\0\r\x1b[0m\n"

    def test_follow(self, log: Path) -> None:
        reader = LogReader(log)
        assert reader.new() == b""
        log.write_bytes(b"one\n")
        assert reader.new() == b"one\n"
        assert reader.new() == b""
        with open(log, "ab") as file:
            file.write(b"two\n")
        assert reader.new() == b"two\n"
        log.write_bytes(b"new\n")
        assert b"begins anew" in reader.new()
        assert reader.new() == b"new\n"


class TestUnderRealWriters:
    def test_every_byte_once_in_order_while_rotating(self, log: Path) -> None:
        """Two processes write 20 MB while one thread rotates without pause, and another follows."""
        program = (
            "import os,sys,time\n"
            "for n in range(40000):\n"
            "    if n % 400 == 0: time.sleep(0.01)\n"
            "    os.write(1 + n % 2, b'%s %d ' % (sys.argv[1].encode(), n) + b'z' * (n * 7919 % 500) + b'\\n')\n"
        )
        with open(log, "ab") as file:
            writers = [
                subprocess.Popen([sys.executable, "-I", "-S", "-c", program, name], stdout=file, stderr=file)
                for name in "ab"
            ]
        done = threading.Event()
        turns = []

        def keep_rotating() -> None:
            while not done.is_set():
                turns.append(rotate(log, 256 * KB))
                time.sleep(0.001)

        rotator = threading.Thread(target=keep_rotating)
        rotator.start()
        reader, followed = LogReader(log), []
        try:
            while any(process.poll() is None for process in writers):
                followed.append(reader.new())
                time.sleep(0.002)
        finally:
            done.set()
            rotator.join()
            assert [process.wait() for process in writers] == [0, 0]
        while part := reader.new():
            followed.append(part)
        data = whole(log)
        assert sum(moved > 0 for moved in turns) > 5, "nothing was rotated under the writers"
        assert b"".join(followed) == data
        for name in (b"a", b"b"):
            lines = [line for line in data.splitlines() if line.startswith(name)]
            assert lines == [b"%s %d %s" % (name, n, b"z" * (n * 7919 % 500)) for n in range(40_000)]

    def test_rotator_killed_at_any_moment(self, log: Path) -> None:
        """A writer goes on while rotator after rotator is killed."""
        program = (
            "import os,time\n"
            "for n in range(20000):\n"
            "    if n % 100 == 0: time.sleep(0.005)\n"
            "    os.write(1, b'%d ' % n + b'z' * 400 + b'\\n')\n"
        )
        process, chance, moved = writer(log, program), random.Random(5), set()
        try:
            while process.poll() is None:
                rotator = os.fork()
                if rotator == 0:
                    try:
                        while True:
                            rotate(log, 64 * KB)
                    finally:
                        os._exit(1)
                time.sleep(chance.random() * 0.03)
                os.kill(rotator, signal.SIGKILL)
                os.waitpid(rotator, 0)
                moved.add(layout(log).moved)
        finally:
            process.kill()
            process.wait()
        assert len(moved) > 5
        expected = b"".join(b"%d %s\n" % (n, b"z" * 400) for n in range(20_000))
        assert whole(log) == expected
        rotate(log, 64 * KB)
        assert whole(log) == expected

    def test_two_rotators(self, log: Path) -> None:
        data = random.Random(3).randbytes(8 * MB)
        log.write_bytes(data)
        threads = [threading.Thread(target=lambda: [rotate(log, 300 * KB) for _ in range(5)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert whole(log) == data

    def test_large_binary_output_in_constant_memory(self, log: Path) -> None:
        """200 MB without a line end, rotated and read back, in a process that may use little memory."""
        program = (
            "import os,hashlib\nh = hashlib.sha256()\nfor n in range(200):\n"
            "    b = bytes([n]) * 1048576\n    h.update(b)\n    v = memoryview(b)\n"
            "    while v: v = v[os.write(1, v):]\n"
            "open('sum', 'w').write(h.hexdigest())\n"
        )
        with open(log, "ab") as file:
            subprocess.run([sys.executable, "-c", program], stdout=file, check=True, cwd=log.parent)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rotate(log, 16 * MB)
        digest = hashlib.sha256()
        for part in iterate(log):
            digest.update(part)
        assert digest.hexdigest() == (log.parent / "sum").read_text()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * KB  # in KB: 40 MB
        assert sum(file.stat().st_blocks * 512 for file in log.parent.iterdir()) < 20 * MB
