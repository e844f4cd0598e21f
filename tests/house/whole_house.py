"""What the tests of the house share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from zaffre.app.platform import Platform

ROOT = Path(__file__).parents[2]
TOKEN = "owner-of-the-test"


@dataclass
class House:
    """A platform, its application, and a client that says nothing of itself."""

    platform: Platform
    app: Starlette
    client: TestClient
