"""Images of packages: built here, by whoever has the package, and pushed to a registry of theirs.

Nothing of this runs in the server. Base images come from wherever the engine is set up to pull from; credentials are
those of `podman login`, in its own file, and are seen in no words and no log.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from zaffre.base.errors import InvalidRequest, Unavailable
from zaffre.core.container import ImageName, image_name
from zaffre.plugins.podman.program import Failed, Program
from zaffre.ports.container import Say

INDEX = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")  # may hold a password: given by name, never in words


@dataclass(frozen=True)
class Published:
    """`digest` (`sha256:...`) is the registry's, or None when nothing was pushed."""

    image: str
    id: str
    digest: str | None


def publish(
    folder: Path, tag: str, say: Say, *, push: bool, base: str | None = None, network: str | None = None
) -> Published:
    """Build the image of a package, and push it. Each line of progress goes to `say`.

    Raises `InvalidRequest` (`ImageBuildFailed`; `NotAPackage`; `RegistryMissing` for a push to nowhere) and
    `Unavailable` (`ContainerEngineMissing`, `ImagePushFailed`).
    """
    name = _name(tag, push)
    if not (folder / "package.json").is_file() or not (folder / "Dockerfile").is_file():
        raise InvalidRequest(
            f"{folder} is no package of a model",
            code="NotAPackage",
            hint="zaffre model package NAME:VERSION --output DIR",
        )
    program = Program()
    indexes = {key: os.environ[key] for key in INDEX if key in os.environ}
    program.environ |= indexes
    words = ["build", "--force-rm", "--file", str(folder / "Dockerfile"), "--tag", name.full]
    words += [f"--build-arg={key}" for key in indexes]
    words += [f"--build-arg=BASE={image_name(base).text}"] if base else []
    words += [f"--network={network}"] if network else []
    try:
        program.follow([*words, "--", str(folder)], say)
    except Failed as failed:
        raise InvalidRequest(
            f"the image cannot be built: {failed.reason}",
            code="ImageBuildFailed",
            hint=f"another base image: --base-image NAME; its index and wheels: {folder / 'README.md'}",
        ) from None
    id_ = program.ask("image", "inspect", "--format", "{{.Id}}", name.full)
    return Published(name.full, id_, _push(program, name, say) if push else None)


def _name(tag: str, push: bool) -> ImageName:
    """Without a registry it is an image of this machine alone."""
    name = image_name(tag)
    if push and not name.named:
        raise InvalidRequest(
            f"`{tag}` names no registry to push to",
            code="RegistryMissing",
            hint="such as registry.example.com/team/app:1",
        )
    return name if name.named or name.registry is None else image_name(f"localhost/{name.text}")


def _push(program: Program, name: ImageName, say: Say) -> str:
    with tempfile.TemporaryDirectory(prefix="zaffre-push-") as folder:
        told = Path(folder) / "digest"
        try:
            program.follow(["push", f"--digestfile={told}", name.full, f"docker://{name.full}"], say)
        except Failed as failed:
            raise Unavailable(
                f"image {name.full} cannot be pushed: {failed.reason}",
                code="ImagePushFailed",
                hint=f"podman login {name.registry}",
            ) from None
        return told.read_text().strip()
