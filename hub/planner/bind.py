"""What each request brings to a plan: parameters of the statement, read from variables, profile and clock."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from sqlalchemy import BindParameter, bindparam
from sqlalchemy.types import TypeEngine

from hub.planner.ids import NOBODY
from hub.planner.limits import PAGE_MOST, Limits
from hub.planner.refused import OperationRefused
from schema.access import PARTNERS, STAFF, AccessProfile
from schema.vocabulary import AccessScope, Purpose

CURSOR_MOST: Final = 2_000
_ID_LENGTH: Final = 36


class Veil(Protocol):
    """Hides internal ids of persons from an audience, and finds them again."""

    def hide(self, audience: str, code: str, internal: UUID) -> UUID:
        """Give the id under which an audience knows a record."""
        ...

    def find(self, audience: str, code: str, shown: UUID) -> UUID:
        """Give the internal id behind one that an audience names."""
        ...

    def code_name(self, audience: str, internal: UUID) -> str:
        """Give the name by which an audience speaks of a record."""
        ...

    def hide_cursor(self, audience: str, plain: str) -> str:
        """Seal a cursor for an audience."""
        ...

    def find_cursor(self, audience: str, shown: str) -> str | None:
        """Open a cursor; None when it was not sealed for this audience."""
        ...


# Made for each request: frozen dataclasses cost a microsecond more.
@dataclass(slots=True)
class Asked:
    """Who asks, and when: an aware instant in UTC. The rest is for what concerns persons."""

    profile: AccessProfile
    now: datetime
    veil: "Veil | None" = None
    digest: bytes = b""
    """Of the document, as the audit names operations."""
    request_id: str = ""
    quiet: bool = False
    """Whether an answer that tells of nobody leaves no word: where the hub asks, not the viewer."""

    def unveiled(self, cursor: str) -> str:
        """Open a cursor that was sealed for the viewer; empty where it was not."""
        return (self.veil.find_cursor(self.profile.audience, cursor) if self.veil else None) or ""

    def internal(self, code: str, shown: UUID) -> UUID:
        """Find the internal id behind the one that the viewer knows a record by."""
        if self.veil is None:
            return NOBODY
        return self.veil.find(self.profile.audience, code, shown)


@dataclass(slots=True)
class Sent:
    """What the client sent: coerced variables, and within which bounds. `cursors` keeps what was decoded."""

    values: Mapping[str, Any]
    limits: Limits
    cursors: dict[tuple[str, str], list[Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Request(Sent):
    """One request: what the client sent, and who asks when."""

    asked: Asked = field(kw_only=True)


Read = Callable[[Request], object]
ReadSent = Callable[[Sent], object]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the statement and how to read it."""

    name: str
    read: Read
    moving: bool
    """Whether it depends on who asks, or when: then the same request may bring another value."""


class Parameters:
    """The parameters of one statement, named as they come."""

    def __init__(self) -> None:
        self._reads: dict[str, tuple[Read, bool]] = dict(_STANDING)
        self._known: dict[int, tuple[BindParameter[Any], object]] = {}

    def add(self, hint: str, kind: TypeEngine[Any], read: ReadSent) -> BindParameter[Any]:
        """Take up a parameter that is the same whenever the same is sent, whoever sends it."""
        return self._add(hint, kind, read, moving=False)

    def add_moving(self, hint: str, kind: TypeEngine[Any], read: Read) -> BindParameter[Any]:
        """Take up a parameter that also depends on who asks, or when."""
        return self._add(hint, kind, read, moving=True)

    def _add(self, hint: str, kind: TypeEngine[Any], read: Read, *, moving: bool) -> BindParameter[Any]:
        name = f"{hint}_{len(self._reads)}"
        self._reads[name] = read, moving
        return bindparam(name, type_=kind)

    def once(
        self, what: object, hint: str, kind: TypeEngine[Any], read: Read, *, moving: bool = False
    ) -> BindParameter[Any]:
        """Take up the value of a condition; where it is written again, for a count say, it is the same parameter."""
        known = self._known.get(id(what))
        if known is None:
            known = self._known[id(what)] = (self._add(hint, kind, read, moving=moving), what)
        return known[0]

    def others(self, names: Collection[str]) -> tuple[Parameter, ...]:
        """Give the parameters that the statement came out without: reading them refuses what makes no sense."""
        return tuple(self[name] for name in self._reads if name not in names and name not in _STANDING)

    def __getitem__(self, name: str) -> Parameter:
        """Find a parameter by the name it has in the compiled statement."""
        return Parameter(name, *self._reads[name])


def _standing() -> Iterator[tuple[str, Read]]:
    """Give the parameters that `schema.source` and `denied` name by themselves."""
    yield "today", lambda request: request.asked.now.date().isoformat()
    yield "now", lambda request: request.asked.now
    yield "viewer_subjects", lambda request: list(request.asked.profile.subjects)
    yield "viewer_issued_at", lambda request: request.asked.profile.issued_at
    yield "viewer_organisation_id", lambda request: request.asked.profile.organisation_id
    yield "viewer_city_id", lambda request: request.asked.profile.city_id
    yield "limit_page", lambda _: PAGE_MOST
    yield "limit_depth", lambda request: request.limits.depth
    yield "limit_cost", lambda request: request.limits.cost
    yield "limit_cost_per_window", lambda request: request.limits.cost_per_window
    yield "limit_window_seconds", lambda request: request.limits.window_seconds
    yield "limit_at_once", lambda request: request.limits.at_once
    yield "viewer_account_id", lambda request: request.asked.profile.account_id
    yield "viewer_audience", lambda request: request.asked.profile.audience
    yield "viewer_client", lambda request: request.asked.profile.client
    yield "request_id", lambda request: request.asked.request_id or str(uuid4())
    yield "operation_hash", lambda request: request.asked.digest


def settled_by(profile: AccessProfile) -> dict[str, str | bool | None]:
    """Give the parameters whose value is part of a profile's shape, and so of its plans."""
    return {
        "viewer_purpose": _code(profile.purpose),
        "viewer_relation": profile.relation.value,
        "viewer_staff": profile.relation in STAFF,
        "viewer_partner": profile.relation in PARTNERS,
    }


def _code(purpose: Purpose | None) -> str | None:
    return None if purpose is None else purpose.value


_STANDING: Final = {name: (read, True) for name, read in _standing()}


# ---- The viewer ------------------------------------------------------------------------------------------------------


def profile_json(name: str, profile: AccessProfile) -> str:
    """Write what the profile holds under a name, as JSON."""
    match name:
        case "relation":
            return json.dumps(profile.relation.name)
        case "scopes":
            return json.dumps([scope.name for scope in AccessScope if scope in profile.scopes])
        case "purposes":
            return json.dumps([purpose.name for purpose in Purpose if purpose in profile.purposes])
        case "purpose":
            return json.dumps(profile.purpose.name if profile.purpose else None)
        case "expires_at":
            moment = profile.expires_at
            return json.dumps(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None)
        case _:
            raise AssertionError(f"the profile has no {name}")


# ---- Cursors ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CursorForm:
    """What the cursors of one order are made of: its tag, then the keys of a row, then the row's id.

    A number has a colon behind it. A text has its length and a colon before it; where it is the last key it needs none,
    for ids have one length. A cursor of another order has another tag.
    """

    tag: str
    kinds: tuple[type, ...]
    """Of the keys: `int`, `str`, or `datetime`, which is written as a text."""


def cursor_key(given: Sent, text: str, form: CursorForm, index: int) -> object:
    """Read one key of a cursor; behind the last of them comes the row's id.

    Raises:
        OperationRefused: BAD_CURSOR, when it cannot be read or belongs to another order.
    """
    return _key(given, text, form, index, lambda text: text)


def veiled_cursor_key(request: Request, text: str, form: CursorForm, index: int) -> object:
    """Read one key of a cursor that was sealed for the viewer; else as `cursor_key`."""
    return _key(request, text, form, index, request.asked.unveiled)


def _key(given: Sent, text: str, form: CursorForm, index: int, opened: Callable[[str], str]) -> object:
    keys = given.cursors.get((text, form.tag))
    if keys is None:
        try:
            keys = given.cursors[text, form.tag] = _keys(opened(text) if len(text) <= CURSOR_MOST else "", form)
        except ValueError:
            raise OperationRefused("BAD_CURSOR", "This is no cursor of this list in this order.") from None
    return keys[index]


def _keys(text: str, form: CursorForm) -> list[Any]:
    """Take a cursor apart.

    Raises:
        ValueError: it is none of this form.
    """
    if not text.startswith(form.tag):
        raise ValueError
    rest = text[len(form.tag) :]
    keys: list[Any] = []
    for place, kind in enumerate(form.kinds, 1):
        if kind is not int and place == len(form.kinds):
            number = len(rest) - _ID_LENGTH
        else:
            before, _, rest = rest.partition(":")
            number = _whole(before)
        if kind is int:
            keys.append(number)
        elif number >= 0:
            keys.append(rest[:number])
            rest = rest[number:]
        else:
            raise ValueError
    row = UUID(rest)
    if str(row) != rest:
        raise ValueError
    return [*(_moment(key) if kind is datetime else key for key, kind in zip(keys, form.kinds, strict=True)), row]


def _moment(text: str) -> datetime:
    """Read an instant in UTC as the database writes it; `infinity` is the last one that there is, to the driver too."""
    if text == "infinity":
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _whole(text: str) -> int:
    """Read a number as the database writes it; there is one spelling."""
    number = int(text)
    if str(number) != text or not -(2**31) <= number < 2**31:
        raise ValueError
    return number
