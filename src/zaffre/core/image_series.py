"""Pictures that a run logs again and again belong together: a series, and the step of each."""

from __future__ import annotations

import re
from dataclasses import dataclass

PICTURE = re.compile(r"\.(png|jpe?g|gif|webp)$", re.IGNORECASE)
# What `mlflow.log_image(image, key=..., step=...)` writes, with `%` or, in later releases, `+` between the parts.
# https://github.com/mlflow/mlflow/blob/master/mlflow/tracking/client.py
MLFLOW = re.compile(
    r"^images/(?P<key>.+?)(?P<sep>[%+])step(?P=sep)(?P<step>\d{1,15})(?P=sep)timestamp(?P=sep)(?P<rest>.*)$"
)
NUMBER = re.compile(r"\d{1,15}(?=\D*$)")  # the last one of a file's name


@dataclass(frozen=True)
class Shot:
    """One picture: `series` names those that belong together, `step` is its place among them, None without one."""

    series: str
    step: int | None


def shot_of(path: str) -> Shot | None:
    """What the picture at this path is of; None for what is no picture, or a smaller copy of one.

    `images/mask%step%3%timestamp%..` is step 3 of `mask`; `plots/epoch_12.png` is step 12 of `plots/epoch_#.png`;
    `plots/roc.png` stands for itself.
    """
    if not PICTURE.search(path):
        return None
    if found := MLFLOW.match(path):
        if "compressed" in found["rest"]:
            return None
        return Shot(found["key"].replace("#", "/"), int(found["step"]))
    folder, slash, name = path.rpartition("/")
    stem, dot, kind = name.rpartition(".")
    if number := NUMBER.search(stem):
        return Shot(f"{folder}{slash}{stem[: number.start()]}#{stem[number.end() :]}{dot}{kind}", int(number[0]))
    return Shot(path, None)
