"""Where things lie in the folder of environments. All of it may be removed while no job runs; it is built again.

<key>/                     a finished environment: pyvenv.cfg, bin, lib, environment.json, constraints.txt
.staging-<key>-<random>/   one being built; whoever holds the lock of the key may remove it
.trash-<random>/           one being removed
.locks/<key>               held (flock) while building or removing; its text is the id of the build under way
.logs/<build id>.log       of a build under way or failed; .failed beside it says why
.build-logs/<key>.log      of the last build that ended; .failed beside it, if it did
.used/<key>                its time of change is when a job last asked for the environment
.uses/<key>/<digest>       a link to the layer of each job that uses it
"""

from __future__ import annotations

import re
from pathlib import Path

KEY = re.compile(r"^[0-9a-f]{16,64}$")


class Places:
    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        for name in (".locks", ".logs", ".build-logs", ".used", ".uses"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def environment(self, key: str) -> Path:
        if not KEY.match(key):
            raise ValueError(f"not a key: {key!r}")
        return self.root / key

    def facts(self, key: str) -> Path:
        return self.environment(key) / "environment.json"

    def staging(self, key: str, random: str) -> Path:
        return self.root / f".staging-{key}-{random}"

    def stagings(self, key: str) -> list[Path]:
        return sorted(self.root.glob(f".staging-{key}-*"))

    def trash(self, random: str) -> Path:
        return self.root / f".trash-{random}"

    def lock(self, key: str) -> Path:
        return self.root / ".locks" / key

    def log(self, build: str) -> Path:
        return self.root / ".logs" / f"{build}.log"

    def failure(self, build: str) -> Path:
        return self.root / ".logs" / f"{build}.failed"

    def build_log(self, key: str) -> Path:
        return self.root / ".build-logs" / f"{key}.log"

    def build_error(self, key: str) -> Path:
        return self.root / ".build-logs" / f"{key}.failed"

    def used(self, key: str) -> Path:
        return self.root / ".used" / key

    def uses(self, key: str) -> Path:
        return self.root / ".uses" / key

    def finished(self) -> list[str]:
        """Of every finished environment."""
        return sorted(path.name for path in self.root.glob("[0-9a-f]*") if KEY.match(path.name))
