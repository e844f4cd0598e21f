"""One real server process that all attacks go against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacked_server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("attack") / "home")
    yield made
    made.forget()
    made.stop()
