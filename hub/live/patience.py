"""How long streams wait for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPatience:
    """Seconds, all of them."""

    beat: float = 5.0
    """How long a cut may go unnoticed."""
    send: float = 15.0
    """How long a client of server-sent events may take nothing at all."""
    introduction: float = 10.0
    """How long who opens a WebSocket may leave open who they are; a stranger, how long they may do nothing."""
    idle: float = 60.0
    """How long a WebSocket may be of no use."""
