"""A system that takes people in, whole: it is told, fetches, confirms, and deletes when it is asked to.

    ME=https://me.example HUB=https://hub.example CLIENT_ID=... python recipient.py

docs/handoff.md is the protocol; partner.py beside it gets the tokens, with its partner.key. This one keeps
recipient.keys and recipient.books. HUB_KEYS names the hub's key set when it is not HUB/handoff/jwks. Needs httpx,
joserfc, starlette and uvicorn. It takes one request at a time, and no answers: it is an example. To register it
on the hub's own machine, by http, the hub needs HUB_PARTNER_PLACES=loopback: docs/partners.md, "Trying it out".
"""

import base64
import hashlib
import json
import os
import sqlite3
import time
import uuid
from pathlib import Path

import httpx
import uvicorn
from joserfc import jwe, jws
from joserfc.jwk import ECKey, KeySet, OKPKey
from partner import FILE, get_token
from partner import sign as proved
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ME, HUB, CLIENT = os.environ["ME"], os.environ["HUB"], os.environ["CLIENT_ID"]
KEYS = Path("recipient.keys")
STEPS = (2048, 8192, 32768, 131072)
JWE_DOTS = 4
LIFE = {"icorn-referral+jwt": 400 * 86400, "icorn-request+jwt": 120}


class Long(jwe.JWERegistry):
    """Packets are longer than the library expects."""

    max_ciphertext_length = 256_000


class Signed(jws.JWSRegistry):
    """As above."""

    max_payload_length = 190_000


class No(Exception):
    """What is refused, and how."""


def keys():
    if not KEYS.exists():
        KEYS.touch(mode=0o600)
        made = [OKPKey.generate_key("Ed25519", {"use": "sig"}), OKPKey.generate_key("X25519", {"use": "enc"})]
        KEYS.write_text(json.dumps([key.as_dict(private=True) | {"kid": key.thumbprint()} for key in made]))
    return [OKPKey.import_key(key) for key in json.loads(KEYS.read_text())]


MINE, OPENING = keys()
BOOKS = sqlite3.connect("recipient.books", isolation_level=None)
BOOKS.execute("create table if not exists handoff (id primary key, version, digest, packet, state, stop)")
BOOKS.execute("create table if not exists used (jti primary key)")


def sign(typ, **claims):
    now = int(time.time())
    base = {"iss": ME, "aud": HUB, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 600, "pad": ""} | claims
    size = len(json.dumps(base))
    base["pad"] = "0" * (next(step for step in STEPS if step >= size) - size)
    header = {"alg": "Ed25519", "kid": MINE.kid, "typ": typ}
    return jws.serialize_compact(header, json.dumps(base), MINE, registry=Signed(algorithms=["Ed25519"]))


def read(text, *types):
    """Open, and check everything: who, for whom, what, when. Gives the signed token, its type and its claims."""
    if text.count(".") == JWE_DOTS:
        opened = jwe.decrypt_compact(text, OPENING, registry=Long(algorithms=["ECDH-ES+A256KW", "A256GCM"]))
        text = opened.plaintext.decode()
    theirs = KeySet.import_key_set(httpx.get(os.environ.get("HUB_KEYS", f"{HUB}/handoff/jwks")).json())
    signed = jws.deserialize_compact(text, theirs, registry=Signed(algorithms=["Ed25519", "ES256"]))
    header, claims, now = signed.headers(), json.loads(signed.payload), time.time()
    if header.keys() != {"alg", "kid", "typ"} or header["typ"] not in types:
        raise No("typ")
    if (claims["iss"], claims["aud"]) != (HUB, ME):
        raise No("aud")
    if not 0 < claims["exp"] - claims["iat"] <= LIFE.get(header["typ"], 600):
        raise No("exp")
    if not claims["iat"] - 60 <= now < claims["exp"] + 60:
        raise No("iat")
    return text, header["typ"], claims


def known(handoff):
    found = BOOKS.execute("select version, digest, packet, state, stop from handoff where id = ?", [handoff]).fetchone()
    return found or (0, None, None, None, None)


def digest(token):
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def fetch(handoff):
    key, url = ECKey.import_key(json.loads(FILE.read_text())), f"{HUB}/referrals/{handoff}/packet"
    token = get_token(key, CLIENT)
    header = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    proof = proved(key, header, {"htm": "GET", "htu": url, "ath": digest(token)})
    answer = httpx.get(url, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    answer.raise_for_status()
    return read(answer.text, "icorn-referral+jwt")


def take_in(notice):
    """Fetch what the notice tells of, unless we hold it, and say that we do."""
    handoff, told = notice["handoff"], (notice["version"], notice["digest"])
    version, held, _, _, stop = known(handoff)
    if stop is not None:
        raise No("stopped")
    if version == told[0] and held != told[1]:
        raise No("reused")
    if version < told[0]:
        token, _, packet = fetch(handoff)
        if (packet["handoff"], packet["version"], digest(token)) != (handoff, *told):
            raise No("another packet")
        # Written down before anything is answered, and only where no stop came meanwhile.
        BOOKS.execute(
            "insert into handoff values (?, ?, ?, ?, 'received', null) on conflict (id) do update"
            " set version = excluded.version, digest = excluded.digest, packet = excluded.packet where stop is null",
            [handoff, *told, token],
        )
    return sign("icorn-receipt+jwt", handoff=handoff, version=told[0], digest=told[1])


def stop(notice):
    """Delete, and say that it is done."""
    over = notice["cause"] != "consent_narrowed"
    BOOKS.execute(
        "insert into handoff values (?, 0, null, null, 'withdrawn', ?) on conflict (id) do update"
        " set packet = null, state = iif(?, 'withdrawn', state), stop = iif(?, excluded.stop, stop)",
        [notice["handoff"], notice["number"] if over else None, over, over],
    )
    done = {"answer": "deleted", "at": int(time.time())}
    return sign("icorn-deletion+jwt", handoff=notice["handoff"], stop=notice["number"], **done)


def inbox(body):
    _, typ, claims = read(body, "icorn-notice+jwt", "icorn-stop+jwt")
    return take_in(claims) if typ == "icorn-notice+jwt" else stop(claims)


def status(handoff, authorization, url):
    _, _, request = read(authorization.removeprefix("Signed "), "icorn-request+jwt")
    if (request["htm"], request["htu"]) != ("GET", url):
        raise No("another address")
    if not BOOKS.execute("insert or ignore into used values (?)", [request["jti"]]).rowcount:
        raise No("used before")
    version, held, packet, state, _ = known(handoff)
    if state is None:
        return sign("icorn-status+jwt", handoff=handoff, known=False)
    said = {"state": state, "version": version} | ({"digest": held} if held else {})
    if packet is not None:
        said["receipt"] = sign("icorn-receipt+jwt", handoff=handoff, version=version, digest=held)
    return sign("icorn-status+jwt", handoff=handoff, known=True, **said)


def answered(work, *what):
    try:
        return Response(work(*what), media_type="application/jose")
    except No as refused:
        return JSONResponse({"code": str(refused)}, 409, media_type="application/problem+json")
    except httpx.HTTPError:
        return Response(status_code=503)
    except Exception:  # noqa: BLE001  # whatever else, it is not theirs
        return Response(status_code=401)


async def at_inbox(request):
    return answered(inbox, (await request.body()).decode("ascii", "replace"))


async def at_status(request):
    url = f"{ME}{request.url.path}"
    return answered(status, request.path_params["handoff"], request.headers.get("authorization", ""), url)


def at_jwks(_):
    return JSONResponse({"keys": [key.as_dict(private=False) | {"kid": key.kid} for key in (MINE, OPENING)]})


def at_health(_):
    return JSONResponse({"protocol": "icorn-handoff/1"})


if __name__ == "__main__":
    routes = [
        Route("/inbox", at_inbox, methods=["POST"]),
        Route("/referrals/{handoff}/status", at_status),
        Route("/jwks", at_jwks),
        Route("/health", at_health),
    ]
    uvicorn.run(Starlette(routes=routes), port=int(os.environ.get("PORT", "9001")), log_level="warning")
