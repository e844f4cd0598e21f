"""What a pickle names, found without running any of it: `python scan_pickle.py FILE`, or `scan(path)`.

The opcodes are followed by Python's own reader in Python, in which everything that a pickle can name is replaced by
something inert: nothing is imported, called or built, and names that are put together on the stack are found too.
joblib writes the bytes of arrays between the opcodes: they are skipped by what stands before them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import sys
import zipfile
import zlib
from typing import Any, BinaryIO, ClassVar

MOST_BYTES = 1 << 30  # of one pickle, unpacked
# A pickle of a model needs names of these and no others; anything else is worth a look before it is opened.
USUAL = ("sklearn", "numpy", "scipy", "pandas", "joblib", "xgboost", "lightgbm", "catboost", "collections", "torch",
         "copyreg", "_codecs", "datetime", "functools", "keras", "tensorflow")  # fmt: skip
BUILTINS = {"object", "set", "frozenset", "slice", "complex", "bytearray", "list", "dict", "tuple", "int", "float",
            "str", "bool", "bytes", "range"}  # fmt: skip
# Of the usual libraries, what can run any program.
DANGEROUS = {"load", "loads", "read_pickle", "eval", "exec", "system", "open", "runstring"}
WORKSHOPS = ("numpy.f2py", "numpy.distutils", "numpy.testing", "torch.hub", "torch.utils.cpp_extension",
             "torch.distributed", "pandas.io", "joblib.externals", "copyreg.extension")  # fmt: skip


def scan(path: str) -> dict[str, Any]:
    """`globals` it names (module.name, sorted), `suspicious` ones among them, and whether all of it could be read."""
    found: set[str] = set()
    whole = True
    for data in _pickles(path):
        names, complete = _names(data)
        found |= names
        whole = whole and complete
    return {"globals": sorted(found), "suspicious": sorted(filter(_suspicious, found)), "complete": whole}


def _suspicious(name: str) -> bool:
    """Advice, not a proof: whatever a pickle names, opening it needs consent."""
    module, _, attribute = name.rpartition(".")
    top = module.partition(".")[0]
    if top in ("builtins", "__builtin__"):
        return attribute not in BUILTINS
    return top not in USUAL or attribute in DANGEROUS or name.startswith(WORKSHOPS)


def _pickles(path: str) -> list[bytes]:
    """The pickles of a file: itself, unpacked if joblib packed it, or those inside of an archive of PyTorch."""
    with open(path, "rb") as file:
        head = file.read(6)
        file.seek(0)
        if head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(file) as archive:
                members = [name for name in archive.namelist() if name.endswith(".pkl")]
                return [archive.open(name).read(MOST_BYTES) for name in members]
        return [_unpacked(file, head)]


def _unpacked(file: BinaryIO, head: bytes) -> bytes:
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file).read(MOST_BYTES)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file).read(MOST_BYTES)
    if head.startswith((b"\xfd7zXZ", b"]\x00")):
        return lzma.LZMAFile(file).read(MOST_BYTES)
    if head[:1] == b"\x78":
        return zlib.decompressobj().decompress(file.read(), MOST_BYTES)
    return file.read(MOST_BYTES)


class _Inert:
    """Stands for whatever a pickle names or makes. It takes everything and does nothing."""

    name = ""

    def __init__(self, *args: Any, **_named: Any) -> None:
        self.args, self.state = args, None

    def __new__(cls, *_args: Any, **_named: Any) -> Any:
        return object.__new__(cls)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __call__(self, *args: Any, **_named: Any) -> Any:
        return type(self)(*args)

    def __hash__(self) -> int:
        return id(self)

    def append(self, _item: Any) -> None:
        """As a list that keeps nothing."""

    def extend(self, _items: Any) -> None:
        """The same."""

    def add(self, _item: Any) -> None:
        """The same."""

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass


_Python: Any = pickle._Unpickler  # the reader in Python: its steps can be replaced


class _Reader(_Python):  # type: ignore[misc]
    """Reads opcodes as data: what they name becomes `_Inert`, and is noted."""

    def __init__(self, file: BinaryIO, found: set[str]) -> None:
        super().__init__(file)
        self.file, self.found = file, found

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        self.found.add(full)
        return type("_Named", (_Inert,), {"name": full})

    def get_extension(self, code: int) -> None:
        self.append(self.find_class("copyreg", f"extension_{code}"))

    def persistent_load(self, pid: Any) -> Any:
        return _Inert(pid)

    dispatch: ClassVar[dict[int, Any]] = dict(_Python.dispatch)

    def load_build(self) -> None:
        """After the wrapper of an array joblib writes its bytes, which are no opcodes."""
        super().load_build()
        made = self.stack[-1]
        if isinstance(made, _Inert) and made.name.endswith(".NumpyArrayWrapper") and isinstance(made.state, dict):
            self._skip_array(made.state)

    dispatch[pickle.BUILD[0]] = load_build

    def _skip_array(self, state: dict[str, Any]) -> None:
        code, size = _item(state["dtype"])
        if code == "O":
            _Reader(self.file, self.found).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self.file.seek(self.file.read(1)[0], 1)
        count = 1
        for length in state["shape"]:
            count *= length
        self.file.seek(count * size, 1)


def _item(dtype: Any) -> tuple[str, int]:
    """The letter and the bytes of an item, as `numpy.dtype` was to be called: `f8`, `U10`, `V64`."""
    text = str(dtype.args[0])
    letter, digits = text.lstrip("<>|=")[:1], text.lstrip("<>|=")[1:]
    if letter == "V" and isinstance(dtype.state, tuple) and len(dtype.state) > 5:
        return letter, int(dtype.state[5])
    return letter, int(digits or 1) * (4 if letter == "U" else 1)


def _names(data: bytes) -> tuple[set[str], bool]:
    """Every `module.name` that the opcodes name; and whether they could be followed to the end of the file."""
    found: set[str] = set()
    file = io.BytesIO(data)
    try:
        while file.tell() < len(data):
            _Reader(file, found).load()
    except Exception:  # whatever a hostile file makes go wrong: what was found until then, and that it is not all
        return found, False
    return found, True


if __name__ == "__main__":
    print(json.dumps(scan(sys.argv[1]), indent=1))
