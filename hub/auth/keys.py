"""Keys that sign access tokens: kept sealed, published early, replaced with an overlap.

A new key is published at once and signs after a lead, when all who verify have fetched it; the old one verifies until
its last token has expired. Each process holds the keys in memory and looks again when they grow stale.
"""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from joserfc.jwk import ECKey
from sqlalchemy import Engine, select, text
from sqlmodel import Session, col

from hub.auth.config import ACCESS, LEEWAY
from hub.auth.denials import deny
from hub.auth.jose import Json
from hub.auth.root import RootKey
from hub.clock import Clock
from schema.tables import SigningKeyRow

LEAD: Final = timedelta(hours=1)
"""From publishing a key to signing with it."""
STALE_SECONDS: Final = 30.0
"""How old the keys in memory may be where tokens are issued."""
AGAIN_SECONDS: Final = 1.0
"""How soon an unknown key may be looked for again."""
_OVERLAP: Final = ACCESS + LEEWAY + timedelta(minutes=1)
"""From the last signature to forgetting: the token's life, clocks that differ, processes that have not looked again."""
_LABEL: Final = "signing_key"
_LOCK: Final = 7_401_003


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its times."""

    kid: str
    key: ECKey
    """With its private part; `jwks` publishes the other."""
    public: Json
    created_at: datetime
    signs_from: datetime
    verifies_until: datetime | None


class KeyRing:
    """The keys, as this process last saw them. Threads share it."""

    def __init__(self, engine: Engine, root: RootKey, clock: Clock) -> None:
        self.version = 0
        """Grows with every change: who caches what a key verified looks at it."""
        self._engine: Final = engine
        self._root: Final = root
        self._clock: Final = clock
        self._keys: dict[str, SigningKey] = {}
        self._looked = -STALE_SECONDS
        self._lock: Final = threading.Lock()

    def refresh(self, *, older_than: float = STALE_SECONDS) -> None:
        """Look at the database again, unless that was done less than so many seconds ago. May block."""
        with self._lock:
            if time.monotonic() - self._looked < older_than:
                return
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                ensure(session, self._root, self._clock.now())
                rows = session.execute(select(SigningKeyRow)).scalars().all()
            keys = {row.kid: self._keys.get(row.kid) or _opened(row, self._root) for row in rows}
            keys = {row.kid: _timed(keys[row.kid], row) for row in rows}
            if keys != self._keys:
                self._keys = keys
                self.version += 1
            self._looked = time.monotonic()

    def stale(self, seconds: float) -> bool:
        """Tell whether the keys were last looked at longer ago than that."""
        return time.monotonic() - self._looked > seconds

    def signer(self) -> SigningKey:
        """Give the key to sign with: the youngest of those whose time to sign has come."""
        now = self._clock.now()
        ready = [key for key in self._keys.values() if key.signs_from <= now and _alive(key, now)]
        return max(ready, key=lambda key: (key.signs_from, key.kid))

    def verifier(self, kid: str) -> ECKey | None:
        """Give the key of that id, if it still verifies."""
        found = self._keys.get(kid)
        return found.key if found is not None and _alive(found, self._clock.now()) else None

    def jwks(self) -> Json:
        """Give the key set to publish: RFC 7517, section 5. Keys that will sign are in it, keys that died are not."""
        now = self._clock.now()
        alive = sorted((key for key in self._keys.values() if _alive(key, now)), key=lambda key: key.signs_from)
        return {"keys": [key.public for key in alive]}


def ensure(session: Session, root: RootKey, now: datetime) -> None:
    """Make the first key where there is none that will go on signing."""
    lasting = select(SigningKeyRow).where(col(SigningKeyRow.verifies_until).is_(None))
    if session.execute(lasting).first() is None:
        session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if session.execute(lasting).first() is None:
            session.add(_made(root, now=now, signs_from=now))
            session.flush()


def rotate(session: Session, root: RootKey, *, now: datetime, lead: timedelta = LEAD) -> SigningKeyRow:
    """Publish a new key that signs after the lead; the others verify until their last tokens have expired."""
    session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    new = _made(root, now=now, signs_from=now + lead)
    for row in session.execute(select(SigningKeyRow)).scalars():
        until = new.signs_from + _OVERLAP
        row.verifies_until = until if row.verifies_until is None else min(row.verifies_until, until)
    session.add(new)
    session.flush()
    return new


def replace(session: Session, root: RootKey, *, now: datetime) -> SigningKeyRow:
    """Replace keys that somebody else may hold: sign with a new one at once, and deny all that the old ones signed."""
    old = session.execute(select(SigningKeyRow)).scalars().all()
    new = rotate(session, root, now=now, lead=timedelta())
    for row in old:
        row.verifies_until = now
        deny(session, f"kid:{row.kid}", before=now + ACCESS, expires_at=now + ACCESS + _OVERLAP)
    return new


def listed(session: Session) -> list[SigningKeyRow]:
    """List all keys, oldest first."""
    return list(session.execute(select(SigningKeyRow).order_by(col(SigningKeyRow.signs_from))).scalars())


def _made(root: RootKey, *, now: datetime, signs_from: datetime) -> SigningKeyRow:
    key = ECKey.generate_key("P-256")
    kid = key.thumbprint()
    public = key.as_dict(private=False) | {"kid": kid, "use": "sig", "alg": "ES256"}
    sealed = root.seal(
        json.dumps(key.as_dict(private=True)).encode(), label=_LABEL, context=f"signing_key.sealed.{kid}"
    )
    return SigningKeyRow(kid=kid, public_jwk=public, sealed=sealed, created_at=now, signs_from=signs_from)


def _opened(row: SigningKeyRow, root: RootKey) -> SigningKey:
    plain = root.open(row.sealed, label=_LABEL, context=f"signing_key.sealed.{row.kid}")
    key = ECKey.import_key(json.loads(plain))
    return SigningKey(row.kid, key, row.public_jwk, row.created_at, row.signs_from, row.verifies_until)


def _timed(key: SigningKey, row: SigningKeyRow) -> SigningKey:
    return SigningKey(key.kid, key.key, key.public, key.created_at, row.signs_from, row.verifies_until)


def _alive(key: SigningKey, now: datetime) -> bool:
    return key.verifies_until is None or key.verifies_until > now
