"""Names of images, files of variables, what Dockerfiles start from."""

from __future__ import annotations

import pytest

from zaffre.base.errors import InvalidRequest
from zaffre.core.container import environment_file, image_name, images_of


@pytest.mark.parametrize(
    ("text", "named", "registry", "full"),
    [
        ("python:3.11", False, "docker.io", "docker.io/library/python:3.11"),
        ("tensorflow/serving", False, "docker.io", "docker.io/tensorflow/serving:latest"),
        ("docker.io/tensorflow/serving:latest", True, "docker.io", "docker.io/tensorflow/serving:latest"),
        ("localhost/server:test", False, None, "localhost/server:test"),
        ("Registry.Example.com/a/b", True, "registry.example.com", "Registry.Example.com/a/b:latest"),
        ("127.0.0.1:5000/a:1", True, "127.0.0.1:5000", "127.0.0.1:5000/a:1"),
        ("localhost:5000/a:1", True, "localhost:5000", "localhost:5000/a:1"),
        (f"acr.azurecr.io/a@sha256:{'0' * 64}", True, "acr.azurecr.io", f"acr.azurecr.io/a@sha256:{'0' * 64}"),
    ],
)
def test_an_image_is_named_as_docker_names_it(text: str, named: bool, registry: str | None, full: str) -> None:
    found = image_name(text)
    assert (found.named, found.registry, found.full) == (named, registry, full)


@pytest.mark.parametrize(
    "text",
    ["", "--privileged", "-v=/:/host", "oci:/etc", "dir:/tmp", "docker://a/b", "docker-archive:/x.tar", "a b", "A/B:1",
     "a:1;reboot", "a\nb", "$(reboot)", "../a", "/a", "a//b", "a/../b", "a" * 600, "a@sha256:1", "ä"],
)  # fmt: skip
def test_sec_21_what_is_no_name_reaches_no_engine(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        image_name(text)
    assert refused.value.code == "InvalidImage"


def test_variables_have_a_line_each() -> None:
    assert environment_file({"A": "1 2 # 3", "B_c": "", "D": "=\t'\""}) == "A=1 2 # 3\nB_c=\nD==\t'\"\n"
    for name, value in (("A", "1\nB=2"), ("A", "1\0"), ("A", "\r"), ("A*", "1"), ("", "1"), ("#A", "1"), (" A", "1")):
        with pytest.raises(InvalidRequest) as refused:
            environment_file({name: value})
        assert refused.value.code == "InvalidVariable"


def test_a_dockerfile_names_what_it_starts_from() -> None:
    text = """
    # FROM not/this
    ARG BASE=x
    FROM --platform=linux/amd64 node:20 AS web
    FROM ${BASE} AS other
    from python:3.11 \\
       as last
    COPY --from=web --chown=1:1 /a /b
    COPY --from=0 /a /b
    COPY --from=ghcr.io/team/tool:1 /tool /tool
    FROM last
    FROM scratch
    """
    assert list(images_of(text)) == ["node:20", "python:3.11", "ghcr.io/team/tool:1"]
