"""A real server with real endpoints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_endpoints import Place, serving_place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving_place(tmp_path_factory.mktemp("serving")) as found:
        yield found
