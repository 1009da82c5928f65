"""Our own side of the wire: a key that signs and a key others seal to, kept as the keys of access tokens are.

A new pair is used at once: partners look again for a key they do not know, once a minute. Old ones are published, and
still open what is under way, for as long as something they signed may be held up as evidence.
"""

import json
import threading
import time
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from joserfc.jwk import ECKey, OKPKey
from sqlalchemy import Connection, Engine, insert, select, text, update

from connectors.jose import SEALED_BY, Key, algorithm
from connectors.signing import Me, new_keys
from hub.auth.root import RootKey
from hub.clock import Clock
from schema.tables import HandoffKeyRow
from schema.tables.base import table_of
from schema.tables.partners import KeyUse

Json: TypeAlias = dict[str, Any]  # Any: JSON

KEPT: Final = timedelta(days=400)
"""As long as a packet may live."""
STALE_SECONDS: Final = 30.0
KEYS_MOST: Final = 20
"""Partners read no longer key sets."""
_LABEL: Final = "handoff_key"
_LOCK: Final = 7_401_006
_KEYS: Final = table_of(HandoffKeyRow)


class OwnKeys:
    """The keys, as this process last saw them. Threads share it."""

    def __init__(self, engine: Engine, root: RootKey, clock: Clock, issuer: str) -> None:
        self._engine: Final = engine
        self._root: Final = root
        self._clock: Final = clock
        self._issuer: Final = issuer
        self._opened: dict[str, Key] = {}
        self._me: Me | None = None
        self._jwks: Json = {"keys": []}
        self._looked = 0.0
        self._lock: Final = threading.Lock()

    def me(self) -> Me:
        """Give our side, read again when the last look grows old. May block."""
        self._refresh()
        assert self._me is not None
        return self._me

    def jwks(self) -> Json:
        """Give the key set to publish: RFC 7517, section 5. The first of `use` enc is the one to seal to. May block."""
        self._refresh()
        return self._jwks

    def _refresh(self) -> None:
        with self._lock:
            if self._me is not None and time.monotonic() - self._looked < STALE_SECONDS:
                return
            now = self._clock.now()
            with self._engine.begin() as connection:
                ensure(connection, self._root, now=now)
                alive = _KEYS.c.retired_at.is_(None) | (_KEYS.c.retired_at > now - KEPT)
                rows = connection.execute(
                    select(_KEYS).where(alive).order_by(_KEYS.c.created_at.desc(), _KEYS.c.kid).limit(KEYS_MOST)
                ).all()
            keys = {row.kid: self._opened.get(row.kid) or _opened(row, self._root) for row in rows}
            signing = next(row.kid for row in rows if row.use is KeyUse.SIGNS)
            unsealing = {row.kid: keys[row.kid] for row in rows if row.use is KeyUse.UNSEALS}
            if self._me is None or keys.keys() != self._opened.keys():
                self._me = Me(self._issuer, signing, keys[signing], unsealing)
            self._opened, self._jwks = keys, {"keys": [row.public_jwk for row in rows]}
            self._looked = time.monotonic()


def ensure(connection: Connection, root: RootKey, *, now: datetime) -> None:
    """Make the first keys where there are none."""
    standing = select(_KEYS.c.kid).where(_KEYS.c.retired_at.is_(None))
    if connection.execute(standing).first() is None:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if connection.execute(standing).first() is None:
            _make(connection, root, now=now)


def rotate(connection: Connection, root: RootKey, *, now: datetime) -> str:
    """Make new keys that are used from now on; give the id of the one that signs."""
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(update(_KEYS).where(_KEYS.c.retired_at.is_(None)).values(retired_at=now))
    return _make(connection, root, now=now)


def _make(connection: Connection, root: RootKey, *, now: datetime) -> str:
    # Only the keys are taken: the issuer is no part of them.
    made = new_keys("")
    _keep(connection, root, made.kid, made.key, KeyUse.SIGNS, now)
    for kid, key in made.unsealing.items():
        _keep(connection, root, kid, key, KeyUse.UNSEALS, now)
    return made.kid


def _keep(  # noqa: PLR0917  # private
    connection: Connection, root: RootKey, kid: str, key: Key, use: KeyUse, now: datetime
) -> None:
    alg = algorithm(key) if use is KeyUse.SIGNS else SEALED_BY
    public = key.as_dict(private=False) | {"kid": kid, "use": use.value, "alg": alg}
    sealed = root.seal(json.dumps(key.as_dict(private=True)).encode(), label=_LABEL, context=_context(kid))
    connection.execute(
        insert(_KEYS).values(kid=kid, use=use, public_jwk=public, sealed=sealed, created_at=now, retired_at=None)
    )


def _opened(row: Any, root: RootKey) -> Key:  # Any: a row of the table
    plain = json.loads(root.open(row.sealed, label=_LABEL, context=_context(row.kid)))
    return ECKey.import_key(plain) if plain["kty"] == "EC" else OKPKey.import_key(plain)


def _context(kid: str) -> str:
    return f"handoff_key.sealed.{kid}"
