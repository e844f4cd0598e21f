"""Create an experiment."""

from __future__ import annotations

from collections.abc import Mapping

from zaffre.services.context import Context
from zaffre.services.tracking.experiment import shown_id
from zaffre.services.tracking.values import wrong
from zaffre.store import experiments


def create_experiment(context: Context, workspace: str, name: str, tags: Mapping[str, str]) -> str:
    """Its id. Raises `Conflict` when the name is taken, `NotFound` when there is no such workspace."""
    if not name.strip():
        raise wrong("Invalid experiment name: ''. Expects a string with at least one letter.")
    if len(name) > 255:
        raise wrong(f"'name' exceeds the maximum length of 255 characters: it has {len(name)}")
    with context.db.write() as connection:
        return shown_id(experiments.create(context.db, connection, workspace, name, tags))
