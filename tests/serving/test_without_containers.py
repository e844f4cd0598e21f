"""Where no container engine is, what needs one says so and what does not goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_endpoints import Place, serving_place

from zaffre.base.errors import InvalidRequest

ROUTE = {"path": "/score", "port": 5001}
ROUTES = {"liveness_route": ROUTE, "readiness_route": ROUTE, "scoring_route": ROUTE}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server that finds no podman."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("without")
        tools = folder / "tools"
        tools.mkdir()
        for name in ("sh", "bash", "cat", "sleep", "env"):
            (found := Path("/bin") / name).exists() and (tools / name).symlink_to(found)
        patch.setenv("PATH", str(tools))
        with serving_place(folder) as found_place:
            yield found_place


def deploy(place: Place, **more: Any) -> Any:
    spec = {"name": "blue", "endpoint_name": "alone", **more}
    return place.ws.online_deployments.begin_create_or_update(spec, all_traffic=True).result()


def test_a_container_is_refused_by_name_and_with_what_to_install(place: Place) -> None:
    place.endpoint("alone")
    for more in (
        {"environment": {"image": "docker.io/tensorflow/serving:latest", "inference_config": ROUTES}},
        {"environment": {"image": "python:3.11"}, "properties": {"zaffre.container": "true"}},
    ):
        with pytest.raises(InvalidRequest, match="no container engine is installed") as refused:
            deploy(place, **more)
        assert refused.value.code == "ContainerEngineMissing"


def test_a_python_script_goes_on_in_a_virtual_environment(place: Place) -> None:
    place.endpoint("alone")
    made = place.deploy(
        "alone", "green", environment={"image": "registry.example.com/minimal:1", "inference_config": ROUTES}
    )
    assert made.provisioning_state == "Succeeded"
    assert place.post("alone", {"x": 1})[1]["asked"] == {"x": 1}
