"""Which service answers which operation. A test holds this table complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zaffre.services.context import Context

Handler = Callable[[Context, Any], Any]

HANDLERS: dict[str, Handler] = {}
