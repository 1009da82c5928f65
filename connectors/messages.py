"""What goes over the wire: frozen values, read strictly. `docs/handoff.md` tells partners' developers about each.

Every message names who wrote it for whom (`iss`, `aud`), an id of its own (`jti`), and from when to when it may be
taken (`iat`, `exp`). What it says about a handoff carries the handoff's id and a number or version, so that it can come
twice, late, or out of order and do no harm. `pad` fills a message up to a size step; it says nothing.
"""

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Final, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from connectors.words import (
    Category,
    DeletionAnswer,
    Purpose,
    RecipientEvent,
    Region,
    SenderEvent,
    State,
    StopCause,
    SupportKind,
    Urgency,
)

Json: TypeAlias = Any  # Any: JSON; `content.py` bounds it
Issuer: TypeAlias = Annotated[str, Meta(min_length=8, max_length=256, pattern=r"^https?://[!-~]+\Z")]
Digest: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
"""SHA-256 of a compact JWS, base64url without padding."""
Seconds: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 37)]
Number: TypeAlias = Annotated[int, Meta(ge=1, lt=1 << 31)]
Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Line: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
_FILE_NUMBER_CHARS: Final = 64
FILE_NUMBER: Final = r"^(?=[^0-9]*[0-9])[A-Za-z0-9_/.:-]+\Z"
"""What a file number looks like. Nothing that might be a name does: it is kept unsealed."""
FileNumber: TypeAlias = Annotated[str, Meta(max_length=_FILE_NUMBER_CHARS, pattern=FILE_NUMBER)]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4000)]
Tag: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}\Z")]
Compact: TypeAlias = Annotated[str, Meta(max_length=16_384, pattern=r"^[A-Za-z0-9_.-]+\Z")]
Path: TypeAlias = Annotated[str, Meta(max_length=2048)]

_DAY: Final = 86_400


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of a message."""


class Message(Part, frozen=True, kw_only=True):
    """What every message has. Types are set by signing and looked at by reading."""

    typ: ClassVar[str]
    lifetime_seconds: ClassVar[int] = 600
    """Longest time between `iat` and `exp`."""
    sealed_only: ClassVar[bool] = False
    """True when it must not travel unless it is encrypted to its recipient."""

    iss: Issuer
    aud: Issuer
    jti: UUID
    iat: Seconds
    exp: Seconds
    pad: str = ""


class Notice(Message, frozen=True, kw_only=True):
    """There is a packet to fetch. It says nothing about anybody, not even how urgent it is."""

    typ = "icorn-notice+jwt"

    handoff: UUID
    version: Number
    digest: Digest


class Envelope(Part, frozen=True, kw_only=True):
    """What a machine needs to route a handoff before a person takes it up."""

    purpose: Purpose
    urgency: Urgency
    services: Annotated[tuple[SupportKind, ...], Meta(min_length=1, max_length=26)]
    origin_region: Region | None = None
    languages: Annotated[tuple[Tag, ...], Meta(max_length=20)] = ()


class Terms(Part, frozen=True, kw_only=True):
    """What the person allowed, and until when; the recipient is bound by it."""

    categories: Annotated[tuple[Category, ...], Meta(max_length=8)]
    until: date
    basis: Word


class Unmapped(Part, frozen=True, kw_only=True):
    """A field the other side's form does not know. Shown, never dropped."""

    field: Line
    value: Json
    category: Category | None = None


class Form(Part, frozen=True, kw_only=True):
    """Content in the words of one form, and what the form could not carry."""

    name: Word
    """Whose form, and which version of it: `icorn/1`, `pen_international/1`."""
    fields: dict[Word, Json]
    unmapped: Annotated[tuple[Unmapped, ...], Meta(max_length=500)] = ()


class Packet(Message, frozen=True, kw_only=True):
    """A person handed over: the frozen content, as far as consent goes. A later version replaces the one before."""

    typ = "icorn-referral+jwt"
    lifetime_seconds = 400 * _DAY
    sealed_only = True

    handoff: UUID
    version: Number
    envelope: Envelope
    terms: Terms
    form: Form
    reference: Line | None = None
    """The sender's own file number; it must not name a person."""


def is_file_number(text: str) -> bool:
    """Tell whether a receipt may carry this as its recipient's file number."""
    return len(text) <= _FILE_NUMBER_CHARS and re.fullmatch(FILE_NUMBER, text) is not None


class Receipt(Message, frozen=True, kw_only=True):
    """The recipient's system holds this very packet. Evidence: it is kept as it was signed."""

    typ = "icorn-receipt+jwt"

    handoff: UUID
    version: Number
    digest: Digest
    reference: FileNumber | None = None


class ServiceAnswer(Part, frozen=True, kw_only=True):
    """One kind of help, and what becomes of it."""

    kind: SupportKind
    given: bool
    reason: Word | None = None
    """Why not, in the words of who says so; the partner's file knows them."""


class Answer(Message, frozen=True, kw_only=True):
    """Something happened to a handoff on the side of who signs it."""

    typ = "icorn-answer+jwt"
    sealed_only = True

    handoff: UUID
    number: Number
    """1, 2, 3 ... of this writer for this handoff, stop notices counted too. It gives the order; clocks do not."""
    seen: Annotated[int, Meta(ge=0, lt=1 << 31)]
    """The last number of the other side that the writer had taken in when this happened."""
    event: RecipientEvent | SenderEvent
    state: State
    """Where the handoff stands after it in the writer's books."""
    at: Seconds
    """When it happened; `iat` is when this copy was signed."""
    reason: Word | None = None
    """Why declined, closed or paused, in the words of who says so."""
    services: Annotated[tuple[ServiceAnswer, ...], Meta(max_length=26)] = ()
    categories: Annotated[tuple[Category, ...], Meta(max_length=8)] = ()
    """What the answer to a question would need."""
    on: date | None = None
    """When help starts, or when a waiting list or pause is looked at again."""
    text: Text | None = None
    unmapped: Annotated[tuple[Unmapped, ...], Meta(max_length=50)] = ()


class Withdrawal(Message, frozen=True, kw_only=True):
    """Stop, and delete. It wins over whatever else is under way, and says no reason beyond its cause."""

    typ = "icorn-stop+jwt"

    handoff: UUID
    number: Number
    at: Seconds
    cause: StopCause
    keep: Annotated[tuple[Category, ...], Meta(max_length=8)] = ()
    """Categories that may stay, when consent was narrowed; fetch the packet anew. All else goes."""


class Certificate(Message, frozen=True, kw_only=True):
    """What became of the data after a stop notice."""

    typ = "icorn-deletion+jwt"

    handoff: UUID
    stop: Number
    """Number of the stop notice it answers."""
    answer: DeletionAnswer
    at: Seconds
    legal_reason: Text | None = None


class Status(Message, frozen=True, kw_only=True):
    """What the other side's books say about a handoff. An unknown one and one that is not yours look alike."""

    typ = "icorn-status+jwt"

    handoff: UUID
    known: bool
    state: State | None = None
    version: Annotated[int, Meta(ge=0)] = 0
    """The last packet held; 0 when none."""
    digest: Digest | None = None
    number: Annotated[int, Meta(ge=0)] = 0
    """The writer's last number."""
    seen: Annotated[int, Meta(ge=0)] = 0
    """The last number of the asker it has taken in."""
    receipt: Compact | None = None
    certificate: Compact | None = None


class Request(Message, frozen=True, kw_only=True):
    """Leave to read one address once, signed by who asks."""

    typ = "icorn-request+jwt"
    lifetime_seconds = 120

    htm: Word
    htu: Path


class Opening(Part, frozen=True, kw_only=True):
    """Help a partner has to give now."""

    kind: SupportKind
    places: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    regions: Annotated[tuple[Region, ...], Meta(max_length=30)] = ()
    until: date | None = None
    title: Line | None = None
    assured_on: date | None = None


class Openings(Message, frozen=True, kw_only=True):
    """What a partner has to give now."""

    typ = "icorn-openings+jwt"

    openings: Annotated[tuple[Opening, ...], Meta(max_length=200)]
    unmapped: Annotated[tuple[Unmapped, ...], Meta(max_length=200)] = ()


class Health(Part, frozen=True, kw_only=True):
    """Whether a partner's system takes handoffs now. Unsigned: it decides nothing."""

    protocol: Word
    accepts: bool = True


class Page(Part, frozen=True, kw_only=True):
    """Messages a partner has for us, oldest first, each signed and sealed."""

    messages: Annotated[tuple[Annotated[str, Meta(max_length=1 << 19)], ...], Meta(max_length=100)]
    cursor: Annotated[str, Meta(max_length=200)]
    """Ask after this next time."""


PROTOCOL: Final = "icorn-handoff/1"
INBOX: Final[dict[str, type[Message]]] = {
    kind.typ: kind for kind in (Notice, Packet, Receipt, Answer, Withdrawal, Certificate)
}
"""What may come to an inbox."""
KINDS: Final[dict[str, type[Message]]] = INBOX | {kind.typ: kind for kind in (Status, Request, Openings)}
