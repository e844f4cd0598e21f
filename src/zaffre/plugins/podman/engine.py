"""Containers by podman, which needs no daemon: rootless as an ordinary user, or as root."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zaffre.base.errors import InvalidRequest, NotFound, Unavailable
from zaffre.core.container import image_name, images_of
from zaffre.plugins.podman.program import Failed, Program
from zaffre.ports.container import FOLDER, NAME, PID_FILE, Run, Say, never

OWNER_LABEL = "zaffre.home"
MISSING = "no container engine is installed on this machine"
INSTALL = "apt-get install podman, or the podman package of your system"
KEPT_RIGHTS = "CHOWN,DAC_OVERRIDE,FOWNER,KILL,NET_BIND_SERVICE,SETGID,SETUID"  # what servers in images start with
PROCESSES = 4096
GRACE_S, REMOVE_S = 3, 60.0
NOT_THERE = ("no such image", "image not known", "does not exist", "no such object")


class Podman:
    """Implements `ContainerEngine`. `owner` marks containers of one home; `registries` are those it may pull from."""

    def __init__(self, owner: str, registries: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> None:
        self.owner, self.registries = owner, tuple(one.lower() for one in registries)
        self.program = Program(environ)

    def missing(self) -> str | None:
        return None if self.program.place() else f"{MISSING}: {INSTALL}"

    def variables(self) -> dict[str, str]:
        return dict(self.program.environ)

    # --- images ---

    def find(self, image: str) -> str | None:
        name = image_name(image)
        try:
            return self.program.ask("image", "inspect", "--format", "{{.Id}}", name.text) or None
        except Failed as failed:
            if any(words in failed.reason.lower() for words in NOT_THERE):
                return None
            raise _odd(failed) from None

    def get(self, image: str, say: Say, cancelled: Callable[[], bool] = never) -> str:
        if found := self.find(image):
            return found
        name = image_name(image)
        if name.registry is None or name.registry not in self.registries:
            from_where = "from no registry" if not self.registries else f"from {', '.join(self.registries)} only"
            more = f", or zaffre up --registry {name.registry}" if name.registry else ""
            raise NotFound(
                f"image {name.text} is not present and cannot be pulled: this server pulls {from_where}",
                code="ImageMissing",
                hint=f"podman pull {name.full}{more}" if name.registry else f"podman build -t {name.text} .",
            )
        say(f"pulling image {name.full}")
        try:
            self.program.follow(["pull", f"docker://{name.full}"], say, cancelled)
        except Failed as failed:
            raise NotFound(
                f"image {name.text} is not present and cannot be pulled: {failed.reason}",
                code="ImageMissing",
                hint=f"podman login {name.registry}, and look with: podman pull {name.full}",
            ) from None
        found = self.find(name.full)
        if found is None:
            raise Unavailable(f"image {name.full} was pulled, and removed meanwhile", code="ImageMissing")
        return found

    def build(
        self,
        context: Path,
        dockerfile: str,
        tag: str,
        arguments: Mapping[str, str],
        say: Say,
        cancelled: Callable[[], bool] = never,
    ) -> str:
        name = image_name(tag)
        for image in images_of((context / dockerfile).read_text(encoding="utf-8", errors="replace")):
            self.get(image, say, cancelled)
        words = ["build", "--pull=never", "--force-rm", "--file", str(context / dockerfile), "--tag", name.text]
        for key, value in arguments.items():
            words.append(f"--build-arg={key}={value}")
        try:
            self.program.follow([*words, "--", str(context)], say, cancelled)
        except Failed as failed:
            raise InvalidRequest(
                f"the image cannot be built: {failed.reason.replace(str(context), '.')}",
                code="ImageBuildFailed",
                hint="its log has every step",
            ) from None
        found = self.find(name.text)
        if found is None:
            raise Unavailable(f"image {name.text} was built, and removed meanwhile", code="ImageMissing")
        return found

    # --- containers ---

    def words(self, run: Run) -> list[str]:
        words = [
            "run", "--rm", "--pull=never", "--log-driver=none", "--http-proxy=false",
            "--security-opt=no-new-privileges",
            f"--name={NAME}", f"--pidfile={FOLDER}/{PID_FILE}", f"--label={OWNER_LABEL}={self.owner}",
            f"--pids-limit={PROCESSES}", f"--env-file={run.variables}", "--cap-drop=all",
        ]  # fmt: skip
        words += [f"--label={key}={value}" for key, value in run.labels.items()]
        words += [] if run.network else ["--network=none"]
        words += ["--read-only", "--tmpfs=/tmp"] if run.closed else [f"--cap-add={KEPT_RIGHTS}"]
        words += [f"--user={run.user}"] if run.user else []
        words += [f"--memory={int(run.memory_mb)}m"] if run.memory_mb else []
        words += [f"--cpus={run.cpus:g}"] if run.cpus else []
        for mount in run.mounts:
            for path in (mount.source, mount.target):
                if any(character in path for character in ',"\n'):
                    raise InvalidRequest(
                        f"`{path}` has a comma, a quote or a line break, and cannot be mounted into a container",
                        code="InvalidPath",
                    )
            mode = "" if mount.writable else ",ro=true"
            words.append(f"--mount=type=bind,source={mount.source},destination={mount.target}{mode}")
        words += [f"--entrypoint={json.dumps([run.entrypoint])}"] if run.entrypoint else []
        return self.program.words([*words, run.image, *run.arguments])

    def stop_words(self, grace_s: int) -> list[str]:
        return self.program.words(["stop", f"--time={grace_s}", NAME])

    def ours(self) -> list[str]:
        try:
            told = self.program.ask(
                "ps", "--all", f"--filter=label={OWNER_LABEL}={self.owner}", "--format", "{{.Names}}"
            )
        except Failed as failed:
            raise _odd(failed) from None
        return told.split()

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            # One whose stop was cut off is stopped first: podman 4.3 forgets it when told to remove it, and it runs on.
            with contextlib.suppress(Failed):
                self.program.ask("stop", "--ignore", f"--time={GRACE_S}", "--", name, seconds=REMOVE_S)
            with contextlib.suppress(Failed):
                self.program.ask("rm", "--force", "--ignore", f"--time={GRACE_S}", "--", name, seconds=REMOVE_S)


def _odd(failed: Failed) -> Unavailable:
    return Unavailable(f"podman: {failed.reason}", code="ContainerEngineSilent", hint="podman info")
