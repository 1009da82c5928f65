"""A client as a partner would write it, honest unless told otherwise: every claim and header can be bent."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from hub.clock import Clock

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()
"""Leave it out."""


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def raw(header: dict, claims: dict, signature: bytes = b"") -> str:
    """Put a token together by hand."""
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.{b64(signature)}"


def signed(header: dict, claims: dict, key: Any) -> str:
    """Sign, checking nothing."""
    header = {name: value for name, value in header.items() if value is not MISSING}
    claims = {name: value for name, value in claims.items() if value is not MISSING}
    text = raw(header, claims).rpartition(".")[0]
    return f"{text}.{b64(jws.JWSRegistry.algorithms[header['alg']].sign(text.encode(), key))}"


def hs256(header: dict, claims: dict, secret: bytes) -> str:
    text = raw(header, claims).rpartition(".")[0]
    return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"


def read(token: str) -> tuple[dict, dict]:
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


def new_key(algorithm: str = "ES256"):
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256")
        case "PS256" | "RS256":
            return RSAKey.generate_key(2048)
        case "EdDSA" | "Ed25519":
            return OKPKey.generate_key("Ed25519")
        case _:
            return OctKey.generate_key(256)


def challenge_of(verifier: str) -> str:
    return b64(hashlib.sha256(verifier.encode()).digest())


@dataclass
class Partner:
    """One client with its keys."""

    issuer: str
    clock: Clock
    http: httpx.Client
    id: str = ""
    algorithm: str = "ES256"
    key: Any = None
    dpop_key: Any = None
    kid: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self):
        self.key = self.key or new_key(self.algorithm)
        self.dpop_key = self.dpop_key or new_key()

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    @property
    def jwks(self) -> dict:
        return {"keys": [self.key.as_dict(private=False) | {"kid": self.kid, "use": "sig"}]}

    @property
    def jkt(self) -> str:
        return self.dpop_key.thumbprint()

    def url(self, name: str) -> str:
        return f"{self.issuer}/oauth/{name}"

    def assertion(self, *, header: dict | None = None, key: Any = None, **claims: Any) -> str:
        base = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.issuer,
            "jti": str(uuid4()),
            "iat": self.now,
            "exp": self.now + 60,
        }
        return signed({"alg": self.algorithm, "kid": self.kid} | (header or {}), base | claims, key or self.key)

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        header: dict | None = None,
        key: Any = None,
        **claims: Any,
    ) -> str:
        key = key or self.dpop_key
        base = {"htm": method, "htu": url, "iat": self.now, "jti": str(uuid4())}
        if token is not None:
            base["ath"] = b64(hashlib.sha256(token.encode()).digest())
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
        return signed(head | (header or {}), base | claims, key)

    def post(self, endpoint: str, *, proof: Any = None, assertion: Any = None, **fields: Any) -> httpx.Response:
        """Send a form with assertion and proof; MISSING leaves one out."""
        body = {"client_assertion_type": ASSERTION, "client_assertion": assertion or self.assertion()} | fields
        if assertion is MISSING:
            del body["client_assertion"], body["client_assertion_type"]
        body = {name: value for name, value in body.items() if value is not MISSING}
        if proof is None and endpoint == "token":
            proof = self.proof("POST", self.url(endpoint))
        headers = {} if proof in {None, MISSING} else {"DPoP": proof}
        return self.http.post(self.url(endpoint), data=body, headers=headers)

    def token(self, **fields: Any) -> httpx.Response:
        return self.post("token", **({"grant_type": "client_credentials"} | fields))

    def access_token(self, **fields: Any) -> str:
        answer = self.token(**fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def read(self, token: str, *, proof: Any = None, scheme: str = "DPoP") -> httpx.Response:
        """Ask the protected resource."""
        url = f"{self.issuer}/graphql"
        proof = self.proof("GET", url, token=token) if proof is None else proof
        headers = {"Authorization": f"{scheme} {token}"} | ({} if proof is MISSING else {"DPoP": proof})
        return self.http.get(url, headers=headers)

    # People.

    def push(self, *, verifier: str = "v" * 43, redirect_uri: str = "", **fields: Any) -> httpx.Response:
        base = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": redirect_uri or "https://console.example/back",
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            "state": "a state",
        }
        return self.post("par", **(base | fields))

    def authorize(self, request_uri: str, *, person: Any = None, **more: str) -> httpx.Response:
        cookies = {} if person is None else {"person": str(person)}
        query = {"client_id": self.id, "request_uri": request_uri} | more
        return self.http.get(self.url("authorize"), params=query, headers=cookie_header(cookies))

    def code(self, person: Any, **fields: Any) -> str:
        """Get a code, for a first-party client: nobody is asked."""
        pushed = self.push(**fields)
        assert pushed.status_code == 201, pushed.text
        answer = self.authorize(pushed.json()["request_uri"], person=person)
        assert answer.status_code == 303, answer.text
        return back(answer)["code"]

    def redeem(self, code: str, *, verifier: Any = "v" * 43, **fields: Any) -> httpx.Response:
        base = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return self.token(**(base | {"redirect_uri": "https://console.example/back"} | fields))

    def refresh(self, refresh_token: str, **fields: Any) -> httpx.Response:
        return self.token(**({"grant_type": "refresh_token", "refresh_token": refresh_token} | fields))

    def exchange(self, subject_token: str, **fields: Any) -> httpx.Response:
        base = {"grant_type": EXCHANGE, "subject_token": subject_token, "subject_token_type": ACCESS_TOKEN}
        return self.token(**(base | fields))


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}


def back(answer: httpx.Response) -> dict[str, str]:
    """Read what a redirect brings back."""
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}
