"""How tests ask the graph."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Ask = Callable[..., Awaitable[dict[str, Any]]]
"""ask(document, profile, **variables): the whole answer, read."""
