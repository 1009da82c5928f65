"""The limit for what concerns persons: SQL by hand with the hub's rules, a token checked and a leaf left each time.

Two statements, each one for its whole answer: the rules, the rows and the leaf of the audit. What is sealed comes as it
lies in the database, is opened by the hub's own functions, and cut to the fields asked for by hand.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from hub.auth.tokens import subjects_of
from hub.store.sealed import Place, Sealing, WrappedKey
from hub.store.veil import Veil
from tests.bench.guarded import GuardedLimit
from tests.bench.limit import APPENDS, statement

CASEFILE: Final = statement("casefile")
INBOX: Final = statement("inbox")
_AUDIENCE: Final = "organisation:{}"
_WITHHELD: Final = '{{"path":["case","{}"],"category":"{}","code":"CONSENT","count":1}}'


class PersonsLimit(GuardedLimit):
    """The ASGI application."""

    def __init__(self, dsn: str, connections: int, folder: Path) -> None:
        super().__init__(dsn, connections, folder, mode=APPENDS)
        self._sealing = Sealing(self._auth.root.derive)
        self._veil = Veil(self._auth.root.derive)

    async def _answered(self, scope: Any, request: dict[str, Any]) -> bytes:
        now = datetime.now(UTC)
        claims = await self._claims(scope, now)
        viewer = (
            claims.organisation_id,
            now.date().isoformat(),
            claims.purposes[0],
            now,
            claims.client_id,
            str(uuid4()),
            sha256(request["query"].encode()).digest(),
            list(subjects_of(claims)),
            claims.issued_at,
        )
        if request["operationName"] == "Inbox":
            answer: bytes = (await self._row(INBOX, (*viewer, request["variables"]["first"])))[0]
            assert answer != b"denied"
            return answer
        audience = _AUDIENCE.format(claims.organisation_id)
        case = self._veil.find(audience, "ca", UUID(request["variables"]["case"].removeprefix("ca_")))
        return self._file(await self._row(CASEFILE, (*viewer, case)), audience)

    def _file(self, row: asyncpg.Record, audience: str) -> bytes:
        denied, case, person, kek, wrapped, plain, *sealed, sees_case, sees_identity, sees_risk, sees_advice = row
        assert not denied
        if case is None:
            return b'{"data":{"case":null}}'
        identity_version, identity_sealed, risk_version, risk_sealed, advice_version, advice_sealed = sealed
        key = None if wrapped is None else WrappedKey(person, kek, wrapped)
        identity: Any = None
        risk: Any = None
        advice: Any = None
        if identity_sealed is not None and key is not None:
            place = Place("case_identity", "sealed", case, identity_version, person)
            found = self._sealing.open_content(identity_sealed, key, place)
            identity = {
                "legalName": found.get("legal_name"),
                "names": found.get("names"),
                "birthDate": found.get("birth_date"),
                "nationalities": found.get("nationalities"),
                "originNamed": found.get("origin_named"),
                "pronouns": found.get("pronouns"),
            }
        if risk_sealed is not None and key is not None:
            found = self._sealing.open_content(
                risk_sealed, key, Place("case_risk", "sealed", case, risk_version, person)
            )
            incidents = found.get("incidents")
            risk = {
                "level": _upper(found.get("level")),
                "claim": found.get("claim"),
                "linkWithWork": found.get("link_with_work"),
                "convicted": found.get("convicted"),
                "sentence": found.get("sentence"),
                "incidents": None
                if incidents is None
                else [
                    {
                        "act": _upper(each.get("act")),
                        "on": each.get("on"),
                        "by": _upper(each.get("by")),
                        "account": each.get("account"),
                    }
                    for each in incidents
                ],
            }
        if advice_sealed is not None and key is not None:
            place = Place("case_advice", "sealed", case, advice_version, person)
            advice = self._sealing.open_content(advice_sealed, key, place).get("security_advice")
        code = b'"%b"' % self._veil.code_name(audience, case).encode() if sees_case else b"null"
        kept = [_WITHHELD.format(name, "CASE") for name in ("code", "state", "openedOn", "profile") if not sees_case]
        kept += [] if sees_identity else [_WITHHELD.format("identity", "IDENTITY")]
        kept += [] if sees_risk else [_WITHHELD.format("risk", "RISK")]
        kept += [] if sees_advice else [_WITHHELD.format("securityAdvice", "RISK")]
        return b"".join(
            (
                b'{"data":{"case":{"id":"ca_%b"' % str(self._veil.hide(audience, "ca", case)).encode(),
                b',"code":' + code,
                plain,
                b',"identity":' + json.dumps(identity, ensure_ascii=False, separators=(",", ":")).encode(),
                b',"risk":' + json.dumps(risk, ensure_ascii=False, separators=(",", ":")).encode(),
                b',"securityAdvice":' + json.dumps(advice, ensure_ascii=False).encode() + b"}}",
                b',"extensions":{"withheld":[%b]}' % ",".join(kept).encode() if kept else b"",
                b"}",
            )
        )


def _upper(code: str | None) -> str | None:
    return None if code is None else code.upper()
