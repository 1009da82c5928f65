"""The operators' log: JSON, one event per fact, dotted names in the past tense, keys from an allow-list.

It may be lost, so it is no evidence; that is what the audit is for. No names, addresses, free text, tokens, SQL
parameters or bodies: a key that is not listed here raises in development and is dropped in production.
"""

import logging
import re
import sys
from collections.abc import Callable
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

KEYS: Final = frozenset(
    {
        "account",
        "added",
        "address",
        "attempt",
        "by",
        "bytes",
        "changed",
        "code",
        "connections",
        "cost",
        "database",
        "depth",
        "duration_ms",
        "environment",
        "error",
        "file",
        "handoff",
        "host",
        "line",
        "method",
        "operation_hash",
        "operation_name",
        "path",
        "pid",
        "port",
        "reason",
        "refused",
        "request_id",
        "retry_seconds",
        "revision",
        "rows",
        "seed",
        "scale",
        "setting",
        "status",
        "table",
        "topic",
        "unchanged",
        "vanished",
        "version",
    }
)
_OWN: Final = frozenset({"event", "level", "timestamp"})
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class KeyNotListed(Exception):
    """A log call is wrong: its key is not on the list, or its event is not a dotted name. A bug, so no `HubError`."""


def listed(*, strict: bool) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    """Make the step that lets listed keys through: others raise when `strict`, and are dropped when not."""

    def step(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        strange = sorted(event.keys() - KEYS - _OWN)
        named = _EVENT.fullmatch(str(event["event"])) is not None
        if strict and (strange or not named):
            raise KeyNotListed(f"event {event['event']!r} with keys {strange}")
        for key in strange:
            del event[key]
        if not named:
            event["event"] = "log.event_not_named"
        return event

    return step


def configure(*, strict: bool, level: str, stream: TextIO | None = None) -> None:
    """Set the log up for this process; lines go to standard error unless told otherwise.

    Args:
        strict: raise on a key that is not listed (everywhere but in production).
        level: the least important level still written: debug, info, warning or error.
        stream: where lines go.
    """
    structlog.configure(
        processors=[
            listed(strict=strict),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger() -> FilteringBoundLogger:
    """Give the log. It follows `configure`, whenever that is called."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log
