"""SEC-06: what a pickle names is found without running any of it, however it is written."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from zaffre.runtime.scan_pickle import scan


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("protocol", range(6))
def test_sec_06_a_bomb_is_named_and_does_not_explode(tmp_path: Path, protocol: int) -> None:
    mark, file = tmp_path / "exploded", tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps([{"a": 1}, Bomb(mark)], protocol))
    assert scan(str(file)) == {"globals": ["posix.system"], "suspicious": ["posix.system"], "complete": True}
    assert not mark.exists()


HIDDEN = {
    "built on the stack": b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94h\x00h\x01\x93\x8c\x04true\x85R.",
    "by an old opcode": b"(S'true'\niposix\nsystem\n.",
    "after the end of a first one": pickle.dumps(1) + pickle.dumps(os.system),
    "by an extension": b"\x80\x02\x82\x01.",
    "behind a broken end": b"cposix\nsystem\n\xff\xff",
    "by getattr": b"\x80\x04cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.",
}


@pytest.mark.parametrize("case", HIDDEN)
def test_sec_06_hidden_names_are_found_or_the_file_is_not_whole(tmp_path: Path, case: str) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(HIDDEN[case])
    found = scan(str(file))
    assert found["suspicious"] or not found["complete"]


def test_packed_and_archived_ones_are_looked_into(tmp_path: Path) -> None:
    data = pickle.dumps(Bomb(tmp_path / "x"))
    (tmp_path / "packed.joblib").write_bytes(gzip.compress(data))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("net/data.pkl", data)
    (tmp_path / "net.pt").write_bytes(archive.getvalue())
    for name in ("packed.joblib", "net.pt"):
        assert scan(str(tmp_path / name))["suspicious"] == ["posix.system"]


def test_a_harmless_one_names_what_it_needs(tmp_path: Path) -> None:
    from collections import OrderedDict

    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(OrderedDict(a=[1, 2, {3, 4}], b=(None, b"x"))))
    assert scan(str(file)) == {"globals": ["collections.OrderedDict"], "suspicious": [], "complete": True}
    file.write_bytes(b"not a pickle")
    assert scan(str(file))["complete"] is False
