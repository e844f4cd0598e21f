"""Environments as virtual environments: found by key, built once by uv, shared, and laid under each job."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zaffre.base.errors import Conflict
from zaffre.core.environment.key import FORMAT, environment_key
from zaffre.core.environment.wish import checked_date, prefer_cpu_torch, read_definition
from zaffre.plugins.virtualenv import tree
from zaffre.plugins.virtualenv.build import NoRoom, build_environment
from zaffre.plugins.virtualenv.build_log import read_log
from zaffre.plugins.virtualenv.indexes import local_torch_wheels, uv_variables, without_secrets
from zaffre.plugins.virtualenv.interpreters import Interpreters
from zaffre.plugins.virtualenv.layer import make_layer
from zaffre.plugins.virtualenv.lock import lock_requirements
from zaffre.plugins.virtualenv.places import Places
from zaffre.plugins.virtualenv.pool import LayerPool
from zaffre.plugins.virtualenv.prune import prune_environments
from zaffre.plugins.virtualenv.room import Room, TooSmall
from zaffre.plugins.virtualenv.shared_build import build_once
from zaffre.plugins.virtualenv.uv import build_variables, find_uv, forget_downloads
from zaffre.ports.environment import BuildLog, BuiltEnvironment, EnvironmentDefinition, EnvironmentPlan, Sizes

STAMP_SECONDS = 60.0
GPU_SIGNS = ("/dev/nvidia0", "/proc/driver/nvidia/version", "/dev/dxg")


class VirtualEnvironments:
    """The default `EnvironmentBackend`; needs no container engine.

    `folder` holds the environments. `cache` is uv's download cache: one of Zaffre's own by default, because files are
    linked from it, and a file that another program alters in a common cache would alter the environments. It should
    lie on the same file system as `folder`. `hook` is a line for the `.pth` file of every layer.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cache: Path | None = None,
        environ: Mapping[str, str] | None = None,
        gpu: bool | None = None,
        hook: str = "",
    ) -> None:
        self.places = Places(Path(os.path.abspath(folder)))
        self.environ = dict(os.environ if environ is None else environ)
        base = Path(self.environ.get("XDG_CACHE_HOME") or Path(self.environ.get("HOME") or Path.home()) / ".cache")
        self.cache = cache or base / "zaffre" / "uv"
        self.gpu = any(map(os.path.exists, GPU_SIGNS)) if gpu is None else gpu
        self.interpreters = Interpreters(self.places.root / ".interpreters.json", self.environ)
        self.indexes = uv_variables(self.environ)
        self.facts: dict[str, dict[str, Any]] = {}
        self.built: dict[str, BuiltEnvironment] = {}
        self.stamped: dict[str, float] = {}
        self.too_small: dict[str, TooSmall] = {}
        self.hook = hook
        self.places.prepare()
        self.pool = LayerPool(self.places.root / ".layers")

    def plan(self, definition: EnvironmentDefinition) -> EnvironmentPlan:
        """Decide what would be built; quick and without network. Raises `InvalidRequest` naming what cannot be."""
        recipe = read_definition(definition, gpu=self.gpu)
        if not self.gpu:
            versions = [one.version for one in self.interpreters.found()]
            prefer_cpu_torch(recipe, local_torch_wheels({**self.environ, **self.indexes}), versions)
        interpreter, note = self.interpreters.choose(recipe.python)
        if note:
            recipe.note(note)
        newest = checked_date(definition.exclude_newer)
        requirements = sorted(set(recipe.requirements))
        constraints = sorted(set(recipe.constraints))
        path, version = str(interpreter.path), interpreter.version
        return EnvironmentPlan(
            key=environment_key(interpreter.minor, path, version, requirements, constraints, newest),
            python=interpreter.minor,
            python_version=version,
            interpreter=interpreter.path,
            requirements=tuple(requirements),
            constraints=tuple(constraints),
            exclude_newer=newest,
            notes=tuple(recipe.notes),
            variables=recipe.variables,
        )

    def ready(self, key: str) -> BuiltEnvironment | None:
        """The environment if it stands, in microseconds. Marks it as used, at most once a minute."""
        found = self.standing(key)
        now = time.monotonic()
        if found and now - self.stamped.get(key, -STAMP_SECONDS) >= STAMP_SECONDS:
            self.places.used(key).touch()
            self.stamped[key] = now
        return found

    def standing(self, key: str) -> BuiltEnvironment | None:
        try:
            os.stat(self.places.facts(key))
        except FileNotFoundError:
            self.built.pop(key, None)
            return None
        known = self.built.get(key)
        if known is None:
            facts = json.loads(self.places.facts(key).read_text())
            if facts.get("format") != FORMAT:
                return None
            folder = self.places.environment(key)
            known = BuiltEnvironment(key, folder, folder / "bin" / "python", tuple(facts["lock"]))
            self.facts[key], self.built[key] = facts, known
        return known

    def build(
        self, plan: EnvironmentPlan, log: Callable[[str], None], cancelled: Callable[[], bool] = lambda: False
    ) -> BuiltEnvironment:
        """Build it, or wait for the one build of the same key that is under way (in any process) and share its log.

        Raises `InvalidRequest` or, if the machine is at fault, `Unavailable` (both code `EnvironmentBuildFailed`) with
        uv's own reason and the requirement line that caused it; `Conflict` (code `EnvironmentBuildCanceled`);
        `Unavailable` (code `DiskFull`) naming the disk, also on a later call while it has no more room than then.
        """
        if found := self.ready(plan.key):
            return found
        self.cache.mkdir(parents=True, exist_ok=True)
        uv, variables = find_uv(), build_variables(self.environ, self.cache)

        def make(both: Callable[[str], None], lock: int) -> None:
            self._make(plan, uv, variables, both, cancelled, lock)

        build_once(self.places, plan.key, lambda: self.standing(plan.key) is not None, make, log, cancelled)
        found = self.ready(plan.key)
        if found is None:
            raise Conflict(f"The environment {plan.key} was removed meanwhile", code="EnvironmentGone")
        return found

    def build_log(self, key: str) -> BuildLog:
        """Of the build under way, or of the last one that ended."""
        return read_log(self.places, key, self.standing(key) is not None)

    def _make(
        self,
        plan: EnvironmentPlan,
        uv: str,
        variables: Mapping[str, str],
        log: Callable[[str], None],
        cancelled: Callable[[], bool],
        lock: int,
    ) -> None:
        known = self.too_small.get(plan.key)
        if known and known.still:  # it would end as the last time, after as much work
            raise known.error()
        room = Room.now(self.places.root, self.cache)
        try:
            build_environment(plan, self.places, uv, variables, log, cancelled, lock)
        except NoRoom as full:
            self.too_small[plan.key] = room.filled(full.args[0])
            raise self.too_small[plan.key].error() from full
        self.too_small.pop(plan.key, None)

    def locked(self, plan: EnvironmentPlan) -> str:
        """A requirements file with versions and hashes, and no address of an index; see the port."""
        self.cache.mkdir(parents=True, exist_ok=True)
        found = self.standing(plan.key)
        pins = found.lock if found is not None else None
        return lock_requirements(plan, pins, find_uv(), build_variables(self.environ, self.cache))

    def layer(self, environment: BuiltEnvironment, folder: Path) -> dict[str, str]:
        """Make the thin, private layer of one job in `folder`; returns the variables that switch it on.

        `PATH` is a prefix to the system's. Raises `Conflict` (code `EnvironmentGone`) if the environment was removed.
        """
        if self.standing(environment.key) is None:
            raise Conflict(
                f"The environment {environment.key} was removed meanwhile",
                code="EnvironmentGone",
                hint="Build it again.",
            )
        shown = without_secrets(self.indexes)
        return make_layer(self.places, environment.key, self.facts[environment.key], folder, shown, self.hook)

    def release(self, folder: Path) -> None:
        """Remove a layer."""
        tree.remove(folder)

    def lend(self, environment: BuiltEnvironment) -> tuple[Path, dict[str, str]]:
        """A layer for one job, and the variables that switch it on. Raises as `layer` does."""
        folder = self.pool.take(environment.key)
        return folder, self.layer(environment, folder)

    def give_back(self, key: str, folder: Path) -> None:
        """The job that it was lent to has ended, with all its processes."""
        self.pool.give_back(key, folder, str(self.facts.get(key, {}).get("python", "")))

    def sweep(self) -> None:
        """No job lives: what earlier processes left behind goes."""
        self.pool.sweep()

    def list(self) -> Sequence[BuiltEnvironment]:
        """Every environment that stands on this machine."""
        return [found for key in self.places.finished() if (found := self.standing(key))]

    def prune(self, unused_for_s: float, dry_run: bool) -> Sizes:
        """Remove environments that no job used for so long, never one in use; (key, bytes) of each.

        Their files are second names of those in the download cache: that lets go of what can be fetched again.
        """
        self.stamped.clear()
        self.pool.forget_free()
        removed = prune_environments(self.places, unused_for_s, dry_run)
        if removed and not dry_run:
            forget_downloads(find_uv(), build_variables(self.environ, self.cache))
        return removed
