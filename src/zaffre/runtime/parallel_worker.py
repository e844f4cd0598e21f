"""Run mini-batches through the user's script: `python parallel_worker.py LAYOUT NUMBER READ_FD WRITE_FD`.

The script has `run(mini_batch)` or `run(mini_batch, mini_batch_context)`, and perhaps `init()` and `shutdown()`. A
mini-batch is a list of paths, or a pandas DataFrame. What `run` returns (a list, a DataFrame, a Series, an array, any
iterable, or None) becomes lines of text in a file of its own, which is complete or not there.

Lines of JSON come in through READ_FD: {"number", "files" or "table", "partition"}. Lines of JSON go out through
WRITE_FD: {"ready"}, then for each mini-batch {"done", "rows"} or {"failed", "error", "again"}; {"broken", "error"} if
`init` cannot be called. When READ_FD ends, so does the worker. Standard library only, Python 3.7 or newer; pandas is
imported only for tables.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import logging
import os
import queue
import sys
import threading
import traceback
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MODEL_SCRIPT = "parallel_model.py"  # stands in for a script where an MLflow model scores by itself
SEPARATOR = " "  # between the columns of a DataFrame, as Azure ML writes them
PANDAS_ROWS = 50_000  # turned into text at a time
ERROR_CHARACTERS = 4_000
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class Context:
    """What `run(mini_batch, mini_batch_context)` may ask about its mini-batch."""

    def __init__(self, order: dict[str, Any], input_name: str) -> None:
        self.minibatch_index = self.mini_batch_id = order["number"]
        self.partition_key_value = order.get("partition")  # {key: text}, of a table cut by keys
        self.dataset_name = self.input_name = input_name
        self.file_paths = order.get("files")

    def __repr__(self) -> str:
        return f"MiniBatchContext({vars(self)!r})"


class WrongReturn(TypeError):
    """`run` returned something that has no rows. Trying again would not help."""


def main(layout_file: str, number: str, read_fd: str, write_fd: str) -> None:
    with open(layout_file, encoding="utf-8") as file:
        layout = json.load(file)
    orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(int(read_fd), orders), daemon=True).start()
    answers = os.fdopen(int(write_fd), "w", buffering=1, encoding="utf-8")
    os.set_inheritable(int(read_fd), False)  # what the script starts must not keep them open
    os.set_inheritable(int(write_fd), False)

    def answer(**fields: Any) -> None:
        answers.write(json.dumps(fields) + "\n")

    try:
        script = load(layout)
        init = getattr(script, "init", None)
        if callable(init):
            init()
        run = runner(script)
    except BaseException:
        answer(broken=True, error=_error())
        raise
    answer(ready=int(number))
    while True:
        order = orders.get()
        if order is None:
            break
        try:
            rows = score(run, script, layout, order)
        except Exception as error:
            traceback.print_exc()
            _flush()
            answer(failed=order["number"], error=_error(), again=not isinstance(error, WrongReturn))
        else:
            _flush()
            answer(done=order["number"], rows=rows)
    shutdown = getattr(script, "shutdown", None)
    if callable(shutdown):
        shutdown()
    _flush()


def _listen(read_fd: int, orders: queue.Queue[dict[str, Any] | None]) -> None:
    """The end of the orders while a mini-batch runs means that nobody waits for it any more."""
    with os.fdopen(read_fd, encoding="utf-8") as lines:
        for line in lines:
            order = json.loads(line)
            orders.put(order if order.get("number") is not None else None)
            if order.get("number") is None:
                return
    os._exit(1)


def _error() -> str:
    return traceback.format_exc()[-ERROR_CHARACTERS:]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # closed by the script
            continue


def load(layout: dict[str, Any]) -> Any:
    """The user's script as a module. Its folder and the current one are where it finds its modules."""
    logging.basicConfig(level=LEVELS.get(layout.get("logging_level") or "info", 20))
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    entry = layout["entry"]
    path = os.path.abspath(entry) if entry else os.path.join(here, MODEL_SCRIPT)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no entry script {entry} in the code")
    for folder in (os.getcwd(), os.path.dirname(path)):
        if folder != here and folder not in sys.path:
            sys.path.insert(0, folder)
    sys.argv = [path, *layout["arguments"]]
    install_helpers(layout)
    name = os.path.splitext(os.path.basename(path))[0]
    if not name.isidentifier() or name in sys.modules:
        name = "entry_script"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # objects of its classes can be pickled
    spec.loader.exec_module(module)
    return module


def install_helpers(layout: dict[str, Any]) -> None:
    """`from azureml_user.parallel_run import EntryScript`, of scripts written for Azure ML."""
    if importlib.util.find_spec("azureml_user") is not None:
        return

    class EntryScript:
        """Places and the logger of a parallel step."""

        def __init__(self) -> None:
            self.working_dir = os.getcwd()
            self.input_dir = layout["input"]
            self.output_dir = layout.get("written") or os.path.join(os.getcwd(), "outputs")
            self.log_dir = layout["logs"]
            self.temp_dir = os.environ.get("TMPDIR", "/tmp")  # noqa: S108  only where the step has none of its own
            self.logger = logging.getLogger("EntryScript")

    package, module = types.ModuleType("azureml_user"), types.ModuleType("azureml_user.parallel_run")
    package.__path__ = []
    module.EntryScript = EntryScript  # type: ignore[attr-defined]
    package.parallel_run = module  # type: ignore[attr-defined]
    sys.modules["azureml_user"], sys.modules["azureml_user.parallel_run"] = package, module


def runner(script: Any) -> Callable[[Any, Context], Any]:
    """`run` with two arguments, whatever the script's own takes."""
    run = getattr(script, "run", None)
    if not callable(run):
        raise AttributeError("the entry script has no function run(mini_batch)")
    try:
        inspect.signature(run).bind(None, None)
    except (TypeError, ValueError):  # of one argument; or of C code, which does not tell
        return lambda batch, _context: run(batch)
    return run  # type: ignore[no-any-return]


def score(run: Callable[[Any, Context], Any], script: Any, layout: dict[str, Any], order: dict[str, Any]) -> int | None:
    """Run one mini-batch and keep what it returns. None for a `run` that returns nothing."""
    if order.get("table"):
        import pandas

        batch = pandas.read_pickle(order["table"])  # noqa: S301  written by this environment, for this job
    else:
        batch = order["files"]
    returned = run(batch, Context(order, layout["input_name"]))
    text, rows = text_of(returned, getattr(script, "SEPARATOR", SEPARATOR) if not layout["entry"] else SEPARATOR)
    keep(os.path.join(layout["state"], f"{order['number']}.rows"), order, text, rows)
    return rows


def keep(path: str, order: dict[str, Any], text: list[str], rows: int | None) -> None:
    """The rows of a mini-batch below one line that says what they are; whoever sees the file sees all of it."""
    body = "".join(text).encode("utf-8", "surrogateescape")
    head = {"items": order["items"], "rows": rows, "bytes": len(body)}
    staged = path + ".staged"
    with open(staged, "wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        file.write(body)
    os.replace(staged, path)


def text_of(returned: Any, separator: str = SEPARATOR) -> tuple[list[str], int | None]:
    """(pieces of text, number of rows). Raises `WrongReturn` for what has no rows."""
    if returned is None:
        return [], None
    if isinstance(returned, (str, bytes, dict)) or not (hasattr(returned, "__iter__") or hasattr(returned, "__len__")):
        raise WrongReturn(
            f"run() returned {_kind(returned)}; it must return a list, a pandas DataFrame, an array, or None"
        )
    if _kind(returned) == "DataFrame" and hasattr(returned, "to_csv"):
        return table_text(returned, separator), len(returned)
    if getattr(returned, "ndim", 1) > 1:
        rows = [separator.join(str(cell) for cell in row) for row in returned.tolist()]
    else:
        rows = [str(row) for row in (returned.tolist() if hasattr(returned, "tolist") else returned)]
    return [line(row) for row in rows], len(rows)


def table_text(table: Any, separator: str) -> list[str]:
    """Without header and index, a piece at a time."""
    pieces = []
    for start in range(0, len(table), PANDAS_ROWS):
        part = table.iloc[start : start + PANDAS_ROWS]
        pieces.append(part.to_csv(sep=separator, header=False, index=False))
    return pieces


def line(row: str) -> str:
    """One row is one line, whatever is in it."""
    if "\n" in row or "\r" in row:
        row = row.replace("\r", "\\r").replace("\n", "\\n")
    return row + "\n"


def _kind(value: Any) -> str:
    return type(value).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
