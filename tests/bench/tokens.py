"""What a client sends to be known: a token of the hub's own, and a proof of its key with every request."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

READY: Final = 1_500
"""Proofs signed before a slice begins, so that signing is not measured."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """A token, and the key it is bound to; without the key no proofs are sent."""

    token: str
    key: dict[str, str] | None = None
    resource: str = ""

    def lines(self) -> str:
        """Give the lines of the head for one request."""
        proof = "" if self.key is None else f"dpop: {self._proof(ECKey.import_key(dict(self.key)))}\r\n"
        return f"authorization: DPoP {self.token}\r\n{proof}"

    def requests(self, bodies: Sequence[bytes], fixed: str) -> Iterator[bytes]:
        """Write out requests without end; each has a proof of its own, where there are proofs."""
        if self.key is None:
            yield from cycle([_written(body, fixed + self.lines()) for body in bodies])
        key = ECKey.import_key(dict(self.key or {}))
        begin = f"{fixed}authorization: DPoP {self.token}\r\n"
        ready = [self._proof(key) for _ in range(READY)]
        for body in cycle(bodies):
            yield _written(body, f"{begin}dpop: {ready.pop() if ready else self._proof(key)}\r\n")

    def _proof(self, key: ECKey) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(self.token.encode()).digest()).rstrip(b"=").decode()
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
        claims = {"htm": "POST", "htu": self.resource, "ath": digest, "iat": int(time.time()), "jti": str(uuid.uuid4())}
        return jwt.encode(header, claims, key)


def _written(body: bytes, head: str) -> bytes:
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token is for."""

    organisation_id: uuid.UUID
    scopes: frozenset[str] = frozenset({"network:read"})
    purposes: tuple[str, ...] = ()


STRANGER: Final = Bearer(uuid.uuid4())
"""A partner of whom the database knows nothing."""


def wallet(conninfo: str, folder: Path, bearer: Bearer = STRANGER, *, proofs: bool) -> Wallet:
    """Mint a token as the hub of this database and this folder does."""
    # Only the bench's own process needs the hub; the load is to start fast and to stay small.
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.engine import make_url  # noqa: PLC0415

    from hub.auth.config import ACCESS, AuthConfig  # noqa: PLC0415
    from hub.auth.keys import KeyRing  # noqa: PLC0415
    from hub.auth.root import RootKey  # noqa: PLC0415
    from hub.auth.tokens import Claims, mint  # noqa: PLC0415
    from hub.clock import SystemClock  # noqa: PLC0415
    from hub.settings import Settings  # noqa: PLC0415

    settings = Settings(root_key_file=folder / "root.key")
    config, key, now = AuthConfig.of(settings), ECKey.generate_key("P-256"), int(time.time())
    engine = create_engine(make_url(conninfo).set(drivername="postgresql+psycopg"))
    ring = KeyRing(engine, RootKey.load(settings.root_key), SystemClock())
    ring.refresh()
    claims = Claims(
        iss=config.issuer,
        sub="bench",
        aud=config.resource,
        client_id="bench",
        iat=now,
        nbf=now,
        exp=now + int(ACCESS.total_seconds()),
        jti=str(uuid.uuid4()),
        gid=str(uuid.uuid4()),
        kid="",
        scopes=bearer.scopes,
        jkt=key.thumbprint(),
        organisation_id=bearer.organisation_id,
        roles=("partner_agreement",),
        purposes=bearer.purposes,
    )
    token = mint(claims, ring)
    engine.dispose()
    return Wallet(token, json.loads(json.dumps(key.as_dict(private=True))) if proofs else None, config.resource)
