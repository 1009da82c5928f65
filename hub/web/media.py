"""What a request may come in and what it wants back. Clients send the same few headers, so each is understood once."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"
_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Media:
    """A media type of answers. `modern` tells refusals by status; the other answers them with 200."""

    modern: bool
    header: tuple[bytes, bytes]


LEGACY: Final = Media(modern=False, header=(b"content-type", b"application/json; charset=utf-8"))
MODERN: Final = Media(modern=True, header=(b"content-type", b"application/graphql-response+json; charset=utf-8"))


@lru_cache(_KEPT)
def media_for(accept: bytes) -> Media | None:
    """Choose the type of the answer; None when the client takes neither.

    Who names the modern type gets it unless they like the other better; who names none gets the old one, as the draft
    asks for.
    """
    if not accept.strip():
        return LEGACY
    wanted = dict(_weighed(part) for part in accept.decode("latin-1").lower().split(","))
    rest = wanted.get("application/*", wanted.get("*/*", 0.0))
    legacy, modern = wanted.get(JSON, rest), wanted.get(RESPONSE_JSON, 0.0)
    if modern and modern >= legacy:
        return MODERN
    return LEGACY if legacy else None


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
