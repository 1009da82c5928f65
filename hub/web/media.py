"""What a request may come in and what it wants back. Clients send the same few headers, so each is understood once."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
RESPONSE_JSON: Final = "application/graphql-response+json"
_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Media:
    """A media type of answers. `modern` tells refusals by status; the other answers them with 200."""

    modern: bool
    header: tuple[bytes, bytes]
    streams: bool = False
    """Whether events are taken too, where something has to be told as it happens."""


_JSON: Final = (b"content-type", b"application/json; charset=utf-8")
_RESPONSE_JSON: Final = (b"content-type", b"application/graphql-response+json; charset=utf-8")
LEGACY: Final = Media(modern=False, header=_JSON)
MODERN: Final = Media(modern=True, header=_RESPONSE_JSON)
LEGACY_OR_STREAM: Final = Media(modern=False, header=_JSON, streams=True)
MODERN_OR_STREAM: Final = Media(modern=True, header=_RESPONSE_JSON, streams=True)
STREAM: Final = Media(modern=True, header=(b"content-type", b"text/event-stream; charset=utf-8"), streams=True)
"""Everything as events; what is refused before there is one is told as modern JSON."""


@lru_cache(_KEPT)
def media_for(accept: bytes) -> Media | None:
    """Choose the type of the answer; None when the client takes none of them.

    Who names the modern type gets it unless they like the other better; who names none gets the old one, as the draft
    asks for. Who names events too gets them for subscriptions, and for all where they like nothing as much.
    """
    if not accept.strip():
        return LEGACY
    wanted = dict(_weighed(part) for part in accept.decode("latin-1").lower().split(","))
    rest = wanted.get("application/*", wanted.get("*/*", 0.0))
    legacy, modern = wanted.get(JSON, rest), wanted.get(RESPONSE_JSON, 0.0)
    events = wanted.get(EVENT_STREAM, 0.0)
    if events and events > max(legacy, modern):
        return STREAM
    if modern and modern >= legacy:
        return MODERN_OR_STREAM if events else MODERN
    if legacy:
        return LEGACY_OR_STREAM if events else LEGACY
    return None


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.split(";"))
    for each in parameters:
        key, _, value = each.partition("=")
        if key == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0


@lru_cache(_KEPT)
def is_json(content_type: bytes) -> bool:
    """Tell whether a body is JSON in UTF-8, as far as its header goes."""
    name, *parameters = (each.strip() for each in content_type.decode("latin-1").lower().split(";"))
    charsets = {each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset=")}
    return name == JSON and charsets <= {"utf-8", "utf8"}
