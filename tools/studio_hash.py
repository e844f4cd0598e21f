"""The hash of the Studio's sources. `python tools/studio_hash.py` writes it beside the build, after `npm run build`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUDIO = ROOT / "studio"
STATIC = ROOT / "src/zaffre/api/static"
SOURCE_HASH = STATIC / "SOURCE_HASH"
FILES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")


def sources() -> Iterator[Path]:
    for name in FILES:
        yield STUDIO / name
    for folder in ("src", "public"):
        for path in (STUDIO / folder).rglob("*"):
            if path.is_file() and not path.name.endswith(".test.ts"):
                yield path


def source_hash() -> str:
    """SHA-256 over path and bytes of all that the build is made from."""
    digest = hashlib.sha256()
    for path in sorted(sources(), key=lambda item: item.relative_to(STUDIO).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(STUDIO).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


if __name__ == "__main__":
    SOURCE_HASH.write_text(source_hash() + "\n")
