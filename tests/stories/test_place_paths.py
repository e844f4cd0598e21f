"""Addresses in stored content lead to what its trees hold, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from zaffre.app.platform import DATABASE_VARIABLE, open_platform
from zaffre.base.errors import InvalidRequest
from zaffre.services import places
from zaffre.services.context import Settings


def test_sec_01_an_address_in_a_stored_tree_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "a%2e%2e%5Cb").write_text("its name means itself")
    platform = open_platform(tmp_path / "home", Settings("http://127.0.0.1:9"))
    try:
        root = platform.ctx.content.add(source).manifest.root
        found = places.locate(platform.ctx, "default", f"content://{root}/inner/a%2e%2e%5Cb").local
        assert found is not None
        assert found.read_text() == "its name means itself"
        assert places.locate(platform.ctx, "default", f"content://{root}/inner/").local == found.parent
        for path in ("../x", "inner/../../x", "inner//x", "./inner", "inner/..", "a\\b", "a\0b"):
            with pytest.raises(InvalidRequest):
                places.locate(platform.ctx, "default", f"content://{root}/{path}")
    finally:
        platform.close()
