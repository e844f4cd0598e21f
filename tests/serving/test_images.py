"""From a model to a package, an image, a registry, and back into a deployment that pulls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import podman
import pytest
import registry as registries
from live_endpoints import ECHO, Place, serving_place
from podman import Podman, nothing_left

import zaffre
from zaffre.base.errors import Conflict

SOURCE = Path(zaffre.__file__).parents[1]
BASE = "localhost/python:test"
PORT = {"port": 5001}
ROUTES = {
    "liveness_route": {"path": "/v2/health/live", **PORT},
    "readiness_route": {"path": "/health", **PORT},
    "scoring_route": {"path": "/score", **PORT},
}
pytestmark = pytest.mark.timeout(900)  # the first test makes an image, a package and its wheels as well


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    """podman with a store of its own, in which a Python is."""
    if reason := podman.missing() or registries.missing():
        if os.environ.get("ZAFFRE_REQUIRE_PODMAN") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    found = Podman(Path(tempfile.mkdtemp(prefix="zaffre-podman-")))
    try:
        found.base()
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def address(engine: Podman) -> Iterator[str]:
    with registries.registry(engine.folder / "registry") as found:
        engine.environ["CONTAINERS_REGISTRIES_CONF"] = str(engine.folder / "registry/registries.conf")
        yield found


@pytest.fixture(scope="module")
def place(engine: Podman, address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Its server may pull from the registry, with the credentials of podman's own file."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF"):
            patch.setenv(name, engine.environ[name])
        patch.setenv("REGISTRY_AUTH_FILE", str(engine.folder / "registry/auth.json"))
        flags = ["--port", "0", "--registry", address]
        with serving_place(tmp_path_factory.mktemp("images"), flags) as found:
            yield found
            for endpoint in list(found.ws.online_endpoints.list()):
                found.ws.online_endpoints.delete(endpoint.name)
            nothing_left(engine)


@pytest.fixture(scope="module")
def package(place: Place) -> Path:
    """Of a scoring script, with its wheels beside it: the image is built without a network."""
    model = place.folder / "weights"
    model.mkdir()
    (model / "weights.txt").write_text("1")
    place.ws.models.create_or_update({"name": "risk", "path": str(model)})
    script = {"code": place.code("packaged", ECHO), "scoring_script": "score.py"}
    made = place.ws.models.package(
        "risk", place.folder / "risk-1",
        deployment={"code_configuration": script, "name": "b", "endpoint_name": "e", "model": "azureml:risk@latest"},
        environment={"requirements": [], "python_version": f"{sys.version_info[0]}.{sys.version_info[1]}"},
    )  # fmt: skip
    words = ["download", "-q", "--require-hashes", "-r", "requirements.txt", "-d", "wheels"]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=made, check=True, timeout=240, capture_output=True)
    return made


def command(engine: Podman, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {**engine.environ, "PYTHONPATH": str(SOURCE), **more}
    return subprocess.run(
        [sys.executable, "-m", "zaffre", "model", "image", *words, "--base-image", BASE, "--network", "none"],
        env=environ, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


@pytest.mark.slow
def test_a_packaged_model_goes_to_a_registry_and_is_deployed_from_there(
    place: Place, engine: Podman, address: str, package: Path
) -> None:
    image = f"{address}/team/risk:1"
    refused = command(engine, str(package), "--tag", image, "--push")
    assert refused.returncode == 1
    assert f"image {image} cannot be pushed" in refused.stderr
    assert f"hint: podman login {address}" in refused.stderr
    auth = str(engine.folder / "registry/auth.json")
    done = command(engine, str(package), "--tag", image, "--push", "-o", "json", REGISTRY_AUTH_FILE=auth)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["image"] == image
    assert told["digest"].startswith("sha256:")
    assert "STEP 1/" in done.stderr, "the log of the build is shown"
    assert registries.PASSWORD not in done.stdout + done.stderr
    engine("rmi", "--force", image)

    def deploy(environment: dict[str, Any]) -> Any:
        spec = {
            "name": "blue", "endpoint_name": "risk", "environment": environment,
            "environment_variables": {"ZAFFRE_HOST": "127.0.0.1"},
        }  # fmt: skip
        return place.ws.online_deployments.begin_create_or_update(spec, all_traffic=True).result()

    place.endpoint("risk")
    with pytest.raises(Conflict, match=f"cannot be pulled: this server pulls from {address} only"):
        deploy({"image": "docker.io/team/risk:1", "inference_config": ROUTES})
    with pytest.raises(Conflict, match=r"is not present and cannot be pulled: .*manifest unknown"):
        deploy({"image": f"{address}/team/risk:2", "inference_config": ROUTES})
    pinned = f"{address}/team/risk@{told['digest']}"
    made = deploy({"image": pinned, "inference_config": ROUTES})
    assert made.environment_lock == [f"image {pinned} {told['id']}"]
    assert place.post("risk", {"x": 1})[:2] == (200, {"asked": {"x": 1}, "by": "one"})
    log = (place.home / "serving/default/risk/blue/log.txt").read_text()
    assert f"pulling image {pinned}" in log
    assert registries.PASSWORD not in log


def test_what_is_no_image_is_told_before_anything_is_built(tmp_path: Path) -> None:
    engine = Podman(tmp_path)
    for words, code, wanted in (
        ((str(tmp_path), "--tag", "risk:1"), 2, "is no package of a model"),
        ((str(tmp_path), "--tag", "risk:1", "--push"), 2, "names no registry"),
        ((str(tmp_path), "--tag", "localhost/risk:1", "--push"), 2, "names no registry"),
        ((str(tmp_path), "--tag", "--privileged=x"), 2, "--tag"),
        ((str(tmp_path), "--tag", "dir:/tmp/x"), 2, "no name of an image"),
    ):
        done = command(engine, *words)
        assert (done.returncode, wanted in done.stderr) == (code, True), done.stderr
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = command(engine, str(tmp_path), "--tag", "risk:1", PATH="/nowhere")
    assert "podman is not installed" in done.stderr
