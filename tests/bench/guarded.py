"""The limit behind a door: SQL by hand that checks a token on each request, as the hub does, and its proof if asked to.

The checks are the hub's own functions, called by hand: the verifier with its memory, the proof, its use, and in the
statement the look at what was denied.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from hub.auth.assemble import assemble
from hub.auth.dpop import check_proof
from hub.auth.once import USE_PROOF
from hub.auth.tokens import Claims, subjects_of
from hub.clock import SystemClock
from hub.settings import Settings
from hub.store import Database
from tests.bench.limit import READS, USES_UP, Limit, call_of

DENIED = """select case when exists (
    select from denial where subject = any({subjects}::text[]) and before >= {issued}::timestamptz
      and expires_at > {now}::timestamptz
  ) then 'denied' else ({statement}) end"""


class GuardedLimit(Limit):
    """The ASGI application."""

    def __init__(
        self, dsn: str, connections: int, folder: Path, *, proofs: bool = False, mode: Mapping[str, str] = READS
    ) -> None:
        super().__init__(dsn, connections, mode)
        url = make_url(dsn).set(drivername="postgresql+psycopg")
        engine = Database(url=url, reading_url=url).engine()
        self._auth = assemble(Settings(root_key_file=folder / "root.key"), engine, clock=SystemClock())
        self._proofs = Limit(dsn, 2, USES_UP) if proofs else None
        self._statements: dict[str, str] = {}

    async def _start(self) -> None:
        await super()._start()
        if self._proofs is not None:
            await self._proofs._start()  # noqa: SLF001  # a limit of our own

    async def _claims(self, scope: Any, now: datetime) -> Claims:
        """Verify the token of a request, and its proof where there are proofs."""
        headers = dict(scope["headers"])
        _, _, token = headers[b"authorization"].decode("latin-1").partition(" ")
        claims = await self._auth.verifier.verified(token)
        if self._proofs is not None:
            proof = check_proof(
                headers[b"dpop"].decode("latin-1"),
                method="POST",
                url=self._auth.config.resource,
                now=now,
                token=token,
                jkt=claims.jkt,
            )
            fresh = await self._proofs._row(USE_PROOF, (proof.hash, proof.expires_at))  # noqa: SLF001  # as above
            assert fresh is not None
        return claims

    async def _answered(self, scope: Any, request: dict[str, Any]) -> bytes:
        now = datetime.now(UTC)
        claims = await self._claims(scope, now)
        statement, args = call_of(request)
        guarded = self._statements.get(statement)
        if guarded is None:
            first = len(args) + 1
            guarded = self._statements[statement] = DENIED.format(
                subjects=f"${first}", issued=f"${first + 1}", now=f"${first + 2}", statement=statement
            )
        found = await self._row(guarded, (*args, list(subjects_of(claims)), claims.issued_at, now))
        answer: bytes = found[0]
        assert answer != b"denied"
        return answer
