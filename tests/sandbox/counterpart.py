"""The hub's side of the wire, as small as it can be: a real server with the connectors' own functions.

It gives tokens, serves packets to who holds one, and takes in what comes to its inbox. Consent is a set of handoffs
that may be fetched.
"""

import asyncio
import json
import socket
import time
from base64 import urlsafe_b64decode
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import msgspec
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors import handoff as wire
from connectors.errors import ConnectorError
from connectors.messages import Answer, Certificate, Envelope, Message, Notice, Packet, Receipt, Terms, Withdrawal
from connectors.registry import network
from connectors.signed import Reach
from connectors.signing import digest, new_keys, public_jwks
from connectors.transports.https import JOSE

CONTENT = {
    "case": {"languages": ["ar", "fr"], "support": ["assessment", "residency"], "urgency": "urgent"},
    "identity": {"legal_name": "Made Up", "names": ["M. U."]},
    "risk": {"claim": "Made up.", "incidents": [{"act": "arrest"}, {"act": "passport_refused"}]},
    "health": {"care_needs": ["quiet_home"]},
}


def now() -> datetime:
    return datetime.now(UTC)


class Counterpart:
    """One hub, as the wire sees it."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.me = new_keys(self.issuer)
        self.client_key = ECKey.generate_key("P-256")
        self.tokens: dict[str, str] = {}
        self.packets: dict[UUID, str] = {}
        self.open: set[UUID] = set()
        self.fetched: list[tuple[float, UUID]] = []
        self.known: dict[UUID, str] = {}
        self.taken: dict[UUID, list[Message]] = defaultdict(list)
        self.by_number: dict[tuple[UUID, int], Answer | Withdrawal] = {}
        self.copies = 0
        self.refused: list[str] = []
        self.down = False
        self.deaf = False

    def speak_with(self, name: str, port: int, **more: Any) -> None:
        """Register the partner."""
        base = f"http://127.0.0.1:{port}"
        found = network(name)
        reach = Reach(issuer=base, base=base, jwks_uri=f"{base}/jwks", loopback=True, **({"timeout_seconds": 5} | more))
        self.partner = found.partner(found.settings(reach=reach), self.me, now=now)

    def new_packet(self, *, version: int = 1, handoff: UUID | None = None, content: Any = None, **more: Any) -> str:
        handoff = handoff or uuid4()
        token = wire.make_packet(
            self.me,
            self.partner.settings.reach.issuer,
            handoff=handoff,
            version=version,
            envelope=Envelope(purpose="assessment", urgency="urgent", services=("assessment", "residency")),
            terms=Terms(categories=("case", "identity", "risk"), until=date(2030, 1, 1), basis="art9_2_a"),
            form=self.partner.encode(content or CONTENT),
            now=now(),
            until=now() + timedelta(days=30),
            **more,
        )
        self.packets[handoff] = token
        self.open.add(handoff)
        return token

    def answers(self, handoff: UUID) -> list[Answer]:
        """Give what the partner told, in its order."""
        told = [message for (of, _), message in self.by_number.items() if of == handoff]
        return [each for each in wire.in_order(0, told) if isinstance(each, Answer)]

    def receipts(self, handoff: UUID) -> list[Receipt]:
        return [each for each in self.taken[handoff] if isinstance(each, Receipt)]

    # ---- On the wire --------------------------------------------------------------------------------------------

    async def inbox(self, request: Request) -> Response:
        if self.down or self.deaf:
            return Response(status_code=503)
        try:
            read = await self.partner.verify_push((await request.body()).decode())
            return await self._take(read)
        except ConnectorError as error:
            self.refused.append(error.code)
            status = {"refused": 409, "unauthorized": 401, "invalid": 422}.get(error.code, 503)
            return Response(msgspec.json.encode({"code": error.code}), status, media_type="application/problem+json")

    async def _take(self, read: wire.Read[Message]) -> Response:
        message = read.message
        wire.already(self.known.get(message.jti), wire.substance(message))
        self.known[message.jti] = wire.substance(message)
        match message:
            case Answer() | Withdrawal():
                known = self.by_number.get((message.handoff, message.number))
                if wire.already(known and wire.substance(known), wire.substance(message)):
                    self.copies += 1
                    return Response(status_code=202)
                self.by_number[message.handoff, message.number] = message
                if isinstance(message, Withdrawal):
                    self.packets.pop(message.handoff, None)
                    stop = wire.Read(message, read.jws)
                    token = wire.sign_certificate(stop, self.me, answer="deleted", at=now(), now=now())
                    return Response(token, media_type=JOSE)
            case Notice():
                packet = await self.partner.fetch(message.handoff)
                assert packet.digest == message.digest
                return self._held(packet)
            case Packet():
                return self._held(wire.Read(message, read.jws))
            case Receipt():
                if digest(self.packets[message.handoff]) != message.digest:
                    return Response(status_code=409)
                self.taken[message.handoff].append(message)
            case Certificate():
                self.taken[message.handoff].append(message)
        return Response(status_code=202)

    def _held(self, packet: wire.Read[Packet]) -> Response:
        if packet.message.handoff not in self.packets:
            self.taken[packet.message.handoff].append(packet.message)
            self.packets[packet.message.handoff] = packet.jws
        return Response(wire.sign_receipt(packet, self.me, now=now()), media_type=JOSE)

    async def packet(self, request: Request) -> Response:
        if self.down:
            return Response(status_code=503)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        url = f"{self.issuer}{request.url.path}"
        if scheme != "DPoP" or not self._proved(request, url, self.tokens.get(token)):
            self.tokens.pop(token, None)
            return Response(status_code=401)
        handoff = UUID(request.path_params["handoff"])
        if handoff not in self.open:
            return Response(status_code=410)
        self.fetched.append((time.time(), handoff))
        return Response(await self.partner.sealed(self.packets[handoff]), media_type=JOSE)

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        claims = jwt.decode(form["client_assertion"], self.client_key, algorithms=["ES256"]).claims
        assert (claims["iss"], claims["aud"]) == ("sandbox", self.issuer)
        jkt = self._proved(request, f"{self.issuer}/oauth/token", None)
        token = str(uuid4())
        self.tokens[token] = str(jkt)
        return JSONResponse({"access_token": token, "token_type": "DPoP", "expires_in": 300})

    def _proved(self, request: Request, url: str, jkt: str | None) -> str | None:
        proof = request.headers.get("dpop", "")
        header = json.loads(wire_b64(proof.partition(".")[0]))
        key = ECKey.import_key(header["jwk"])
        claims = jwt.decode(proof, key, algorithms=["ES256"]).claims
        shown = key.thumbprint()
        fits = (claims["htm"], claims["htu"]) == (request.method, url) and (jkt is None or jkt == shown)
        asked_for_token = url.endswith("/token")
        return shown if fits and (asked_for_token or jkt is not None) else None

    def app(self) -> Starlette:
        async def metadata(_: Request) -> Response:
            return JSONResponse({"issuer": self.issuer, "token_endpoint": f"{self.issuer}/oauth/token"})

        async def jwks(_: Request) -> Response:
            return JSONResponse(public_jwks(self.me))

        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", metadata),
                Route("/oauth/token", self.token, methods=["POST"]),
                Route("/handoff/jwks", jwks),
                Route("/referrals/{handoff}/packet", self.packet),
                Route("/inbox", self.inbox, methods=["POST"]),
            ]
        )


def wire_b64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@asynccontextmanager
async def counterpart(kind: type[Counterpart] = Counterpart):
    """Serve it on a socket of this loop."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        hub = kind(listening.getsockname()[1])
        options = uvicorn.Config(
            hub.app(), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(options)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110  # uvicorn tells in no other way
            await asyncio.sleep(0.005)
        yield hub
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
