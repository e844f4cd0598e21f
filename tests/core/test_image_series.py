"""Which pictures belong together, by their paths."""

from __future__ import annotations

import pytest

from zaffre.core.image_series import Shot, shot_of

STAMP = "1762000000000"


@pytest.mark.parametrize(
    ("path", "shot"),
    [
        (f"images/mask%step%12%timestamp%{STAMP}%5f0e.png", Shot("mask", 12)),
        (f"images/val#mask+step+0+timestamp+{STAMP}+5f0e.png", Shot("val/mask", 0)),
        (f"images/mask%step%12%timestamp%{STAMP}%5f0e%compressed.webp", None),
        ("plots/epoch_012.PNG", Shot("plots/epoch_#.PNG", 12)),
        ("plots/fold2/roc7b.jpeg", Shot("plots/fold2/roc#b.jpeg", 7)),
        ("plots/roc.gif", Shot("plots/roc.gif", None)),
        ("roc.webp", Shot("roc.webp", None)),
        ("images/mask%step%x%timestamp%1%2.png", Shot("images/mask%step%x%timestamp%1%#.png", 2)),
        ("report.svg", None),
        ("images/", None),
        ("data.png.csv", None),
        ("9" * 400 + ".png", Shot("9" * 385 + "#.png", int("9" * 15))),
    ],
)  # fmt: skip
def test_a_path_tells_series_and_step(path: str, shot: Shot | None) -> None:
    assert shot_of(path) == shot
