"""The sandbox partner on the wire: the addresses of the protocol, and a control endpoint for this machine alone."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors import handoff as wire
from connectors.errors import ConnectorError
from connectors.messages import PROTOCOL, Opening
from connectors.signing import public_jwks
from connectors.transports.https import JOSE
from tests.sandbox import asked
from tests.sandbox.sandbox_partner import Partner, now
from tests.sandbox.trouble import Troubled
from tests.sandbox.worker import Worker

STATUS = {"unavailable": 503, "throttled": 429, "unauthorized": 401, "refused": 409, "invalid": 422, "unsupported": 501}
BODY_MAX = 300_000
LOOPBACK = {"127.0.0.1", "::1"}


def create_app(partner: Partner) -> Troubled:
    """Make the server of one partner."""
    worker = Worker(partner)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker.start()
        yield
        await worker.stop()
        await partner.hub.aclose()
        partner.ledger.close()

    async def inbox(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_MAX:
                return problem("invalid", 413)
        token = await partner.take_in(body.decode("ascii", "replace"), forged="forged" in request.scope)
        return Response(status_code=202) if token is None else Response(token, media_type=JOSE)

    async def packet(request: Request) -> Response:
        await permitted(request)
        return Response(await asked.packet(partner, named(request)), media_type=JOSE)

    async def status(request: Request) -> Response:
        await permitted(request)
        return Response(asked.status(partner, named(request), forged="forged" in request.scope), media_type=JOSE)

    async def outbox(request: Request) -> Response:
        await permitted(request)
        after = request.query_params.get("after", "0")
        messages, cursor = await asked.outbox(partner, int(after) if after.isdigit() else 0)
        return JSONResponse({"messages": messages, "cursor": str(cursor)})

    async def openings(request: Request) -> Response:
        await permitted(request)
        given = [Opening(kind="fellowship", places=2, title="Made-up fellowship")]
        return Response(wire.sign_openings(partner.me, partner.config.hub.issuer, given, now=now()), media_type=JOSE)

    async def permitted(request: Request) -> None:
        url = partner.issuer + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        await asked.permitted(partner, request.headers.get("authorization", ""), request.method, url)

    async def health(_: Request) -> Response:
        return JSONResponse({"protocol": PROTOCOL, "accepts": True})

    async def jwks(_: Request) -> Response:
        return JSONResponse(public_jwks(partner.me), media_type="application/jwk-set+json")

    async def control(request: Request) -> Response:
        if request.client is None or request.client.host not in LOOPBACK:
            return Response(status_code=404)
        told = json.loads(await request.body() or b"{}")
        what = request.path_params["what"]
        if what == "fetch":
            return JSONResponse(await fetch(partner, UUID(told["handoff"])))
        return JSONResponse(steer(partner, what, told))

    routes = [
        Route("/inbox", inbox, methods=["POST"]),
        Route("/referrals/{handoff}/packet", packet),
        Route("/referrals/{handoff}/status", status),
        Route("/outbox", outbox),
        Route("/openings", openings),
        Route("/health", health),
        Route("/jwks", jwks),
        Route("/control/{what}", control, methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={ConnectorError: refused})
    return Troubled(app, partner.trouble)


def steer(partner: Partner, what: str, told: dict) -> object:
    """Do what a test or a demonstration asks for."""
    match what:
        case "fail_next":
            partner.trouble.fail_next(told["kind"], count=told.get("count", 1), where=told.get("where", ""))
        case "rate":
            partner.trouble.set_rate(told["rate"], seed=told.get("seed", 1), kinds=tuple(told.get("kinds", ())))
        case "trouble":
            partner.trouble.seconds = told.get("seconds", partner.trouble.seconds)
            partner.trouble.hang_seconds = told.get("hang_seconds", partner.trouble.hang_seconds)
            return {"met": dict(partner.trouble.met), "asked": partner.trouble.asked}
        case "behave":
            partner.behave(told)
        case "send":
            return {"handoff": str(partner.hand_over(told))}
        case "withdraw":
            partner.take_back(UUID(told["handoff"]), told.get("cause", "withdrawn"))
        case "say":
            with partner.ledger.writing():
                partner.say(told["handoff"], told["event"], told["state"], **told.get("what", {}))
        case "ledger":
            return {"entries": partner.ledger.entries(told.get("after", 0))}
        case "handoffs":
            return {"handoffs": [dict(row) for row in partner.ledger.all("select * from handoff order by rowid")]}
        case _:
            return {"error": f"there is no {what}"}
    return {"done": what}


async def fetch(partner: Partner, handoff: UUID) -> object:
    """Try to fetch a packet we were told of, whatever the books say, and tell what came of it."""
    try:
        await partner.fetch(handoff, later=True)
    except ConnectorError as error:
        return {"code": error.code}
    return {"code": None}


def named(request: Request) -> UUID:
    try:
        return UUID(request.path_params["handoff"])
    except ValueError:
        return UUID(int=0)


async def refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ConnectorError)
    return problem(str(error.facts.get("problem", error.code)), STATUS.get(error.code, 503))


def problem(code: str, status: int) -> Response:
    return Response(msgspec.json.encode({"code": code}), status, media_type="application/problem+json")
