"""Sessions of browsers: 30 minutes idle, 8 hours in all, ended from anywhere, dead the moment an account is suspended.

The browser holds a random token, the database its hash. A token is new at each sign-in, so one planted before is worth
nothing. Source: OWASP Session Management Cheat Sheet.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, or_, select, update
from sqlalchemy.engine import Row

from hub.auth.clients import bounded
from hub.auth.people.codes import Token, digest, new_token
from hub.auth.people.place import Place
from hub.auth.sessions import Account
from hub.clock import Clock
from schema.tables import AccountRow, AgreementRow, WebSessionRow
from schema.tables.base import table_of
from schema.tables.people import AccountStatus, Stage
from schema.vocabulary import AccessScope, Relation

IDLE: Final = timedelta(minutes=30)
LIFETIME: Final = timedelta(hours=8)
SETUP_LIFETIME: Final = timedelta(hours=1)
FRESH: Final = timedelta(minutes=15)
"""How long after sign-in somebody may change how they sign in."""
COOKIE: Final = "session"
_SEEN_EVERY: Final = timedelta(minutes=1)
_KIND: Final = "session"
_PURGED_AT_ONCE: Final = 100
_S: Final = table_of(WebSessionRow)
_A: Final = table_of(AccountRow)
_G: Final = table_of(AgreementRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live session and whose it is."""

    id: UUID
    stage: Stage
    amr: tuple[str, ...]
    created_at: datetime
    seen_at: datetime
    account_id: UUID
    login: str
    name: str
    relation: Relation
    organisation_id: UUID | None
    city_id: UUID | None
    scopes: frozenset[AccessScope]

    @property
    def account(self) -> Account:
        """The account as tokens see it."""
        return Account(
            id=self.account_id,
            relation=self.relation,
            organisation_id=self.organisation_id,
            city_id=self.city_id,
            amr=self.amr,
            auth_time=self.created_at,
            scopes=self.scopes,
        )

    @property
    def ends_at(self) -> datetime:
        """When it ends whatever happens."""
        return self.created_at + (LIFETIME if self.stage is Stage.FULL else SETUP_LIFETIME)

    def fresh(self, *, now: datetime) -> bool:
        """Tell whether the person proved who they are just now."""
        return self.stage is Stage.SETUP or now - self.created_at <= FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A session in the list of its owner."""

    id: UUID
    amr: tuple[str, ...]
    created_at: datetime
    seen_at: datetime


class WebSessions:
    """Keeps sessions; fits the seam `hub.auth.sessions.Sessions`."""

    def __init__(self, engine: Engine, clock: Clock, place: Place) -> None:
        self._engine = engine
        self._clock = clock
        self._cookie = place.cookie(COOKIE)

    def current(self, cookie_header: str) -> Account | None:
        """Find the account whose full session the cookies name."""
        session = self.of_cookies(cookie_header)
        return session.account if session is not None and session.stage is Stage.FULL else None

    def account(self, account_id: UUID) -> Account | None:
        """Give an account as it stands now. None when unknown or suspended."""
        live = and_(_A.c.id == account_id, _A.c.status == AccountStatus.ACTIVE)
        with self._engine.connect() as connection:
            row = connection.execute(select(_A).where(live)).first()
            if row is None:
                return None
            return Account(
                id=row.id,
                relation=row.relation,
                organisation_id=row.organisation_id,
                city_id=row.city_id,
                scopes=_agreed(connection, row, self._clock.now().date()),
            )

    def of_cookies(self, cookie_header: str, *, seen: bool = True) -> Session | None:
        """Find the session the cookies name, full or not."""
        token = cookie(cookie_header, self._cookie)
        return None if token is None else self.find(Token(token), seen=seen)

    def find(self, token: Token, *, seen: bool = True) -> Session | None:
        """Find a live session, and note that it was seen. The account's status is read each time.

        Args:
            token: of the session.
            seen: False where nobody did anything: an open stream keeps no session alive.
        """
        now = self._clock.now()
        mine = _S.c.digest == digest(token, kind=_KIND)
        wanted = select(
            _S.c.id, _S.c.stage, _S.c.amr, _S.c.created_at, _S.c.seen_at, _S.c.account_id,
            _A.c.login, _A.c.name, _A.c.relation, _A.c.organisation_id, _A.c.city_id, _A.c.scopes,
        )  # fmt: skip
        query = wanted.join(_A, _A.c.id == _S.c.account_id).where(mine, _live(now), _A.c.status == AccountStatus.ACTIVE)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
            if seen and row is not None and now - row.seen_at >= _SEEN_EVERY:
                connection.execute(update(_S).where(mine).values(seen_at=now))
                connection.commit()
            return None if row is None else _session(row, _agreed(connection, row, now.date()))

    def start(self, connection: Connection, account_id: UUID, *, stage: Stage, amr: tuple[str, ...]) -> Token:
        """Start a session under a new token."""
        now = self._clock.now()
        token = new_token()
        dead = select(_S.c.id).where(~_live(now)).limit(_PURGED_AT_ONCE).with_for_update(skip_locked=True)
        connection.execute(delete(_S).where(_S.c.id.in_(dead)))
        values = {"id": uuid4(), "account_id": account_id, "digest": digest(token, kind=_KIND), "stage": stage}
        connection.execute(insert(_S).values(values | {"amr": list(amr), "created_at": now, "seen_at": now}))
        return token

    def end(self, token: Token) -> None:
        """End the session of a token, if there is one."""
        with self._engine.begin() as connection:
            self.end_within(connection, token)

    def end_within(self, connection: Connection, token: Token) -> None:
        """End the session of a token in the caller's transaction."""
        connection.execute(delete(_S).where(_S.c.digest == digest(token, kind=_KIND)))

    def end_one(self, account_id: UUID, session_id: UUID) -> None:
        """End one session of an account; that of another account is left alone."""
        with self._engine.begin() as connection:
            connection.execute(delete(_S).where(_S.c.account_id == account_id, _S.c.id == session_id))

    def end_others(self, account_id: UUID, kept: UUID) -> None:
        """End all sessions of an account but one."""
        with self._engine.begin() as connection:
            connection.execute(delete(_S).where(_S.c.account_id == account_id, _S.c.id != kept))

    def listed(self, account_id: UUID) -> list[Listed]:
        """List the live sessions of an account, the newest first."""
        query = select(_S.c.id, _S.c.amr, _S.c.created_at, _S.c.seen_at).where(
            _S.c.account_id == account_id, _live(self._clock.now())
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_S.c.created_at.desc(), _S.c.id)).all()
        return [Listed(id=r.id, amr=tuple(r.amr), created_at=r.created_at, seen_at=r.seen_at) for r in rows]


def end_all(connection: Connection, account_id: UUID) -> None:
    """End all sessions of an account."""
    connection.execute(delete(_S).where(_S.c.account_id == account_id))


def cookie(header: str, name: str) -> str | None:
    """Find a cookie's value; None when it is missing, or there twice so that nobody can say which is meant."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    found = [value for key, equals, value in pairs if equals and key == name]
    return found[0] if len(found) == 1 and found[0] else None


def _live(now: datetime) -> ColumnElement[bool]:
    full = and_(_S.c.stage == Stage.FULL, _S.c.created_at > now - LIFETIME)
    setup = and_(_S.c.stage == Stage.SETUP, _S.c.created_at > now - SETUP_LIFETIME)
    return and_(_S.c.seen_at > now - IDLE, or_(full, setup))


def _session(row: Row[*tuple[Any, ...]], scopes: frozenset[AccessScope]) -> Session:  # Any: columns of every type
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return Session(**values | {"amr": tuple(row.amr), "scopes": scopes})


def _agreed(connection: Connection, row: Any, today: date) -> frozenset[AccessScope]:  # Any: columns of an account
    """Give the scopes of an account; of a body's people what its agreement covers now, as of its programs."""
    if row.organisation_id is None:
        return frozenset(row.scopes)
    found = select(_G).where(_G.c.organisation_id == row.organisation_id)
    agreement: Any = connection.execute(found).one_or_none()
    return bounded(row.scopes, agreement, today)
