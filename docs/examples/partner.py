"""A partner's program, whole: keys, a token bound to a key, and a question to the graph.

    python partner.py keys                                     makes partner.key, prints the public half, for the hub
    python partner.py ask CLIENT_ID 'QUESTION' ['VARIABLES']   gets a token and asks

Needs httpx and joserfc. HUB names the hub's address, http://127.0.0.1:8000 when absent; SCOPE asks for fewer scopes,
KEY names another file of the key.
"""

import base64
import hashlib
import json
import os
import sys
import time
import uuid
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

HUB = os.environ.get("HUB", "http://127.0.0.1:8000")
FILE = Path(os.environ.get("KEY", "partner.key"))


def sign(key, header, claims):
    return jwt.encode({"alg": "ES256", **header}, {"iat": int(time.time()), "jti": str(uuid.uuid4()), **claims}, key)


def proof(key, url, token=None):
    """Show that we hold the key a token is bound to: RFC 9449, section 4.2."""
    digest = token and base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {"htm": "POST", "htu": url} | ({"ath": digest} if token else {})
    return sign(key, {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}, claims)


def get_token(key, client_id):
    """Ask for a token as the client whose key this is: RFC 6749, section 4.4; RFC 7523, section 2.2."""
    server = httpx.get(f"{HUB}/.well-known/oauth-authorization-server").json()
    who = {"iss": client_id, "sub": client_id, "aud": server["issuer"], "exp": int(time.time()) + 60}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": sign(key, {"kid": key.thumbprint()}, who),
    } | ({"scope": os.environ["SCOPE"]} if "SCOPE" in os.environ else {})
    url = server["token_endpoint"]
    answer = httpx.post(url, data=form, headers={"DPoP": proof(key, url)})
    if answer.is_error:  # the body is JSON: error, and error_description says what is wrong
        told = f"no token: {answer.status_code} {answer.text}"
        raise httpx.HTTPStatusError(told, request=answer.request, response=answer)
    return answer.json()["access_token"]


def ask(key, client_id, question, variables=None):
    graph = httpx.get(f"{HUB}/.well-known/oauth-protected-resource/graphql").json()["resource"]
    token = get_token(key, client_id)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof(key, graph, token)}
    return httpx.post(graph, json={"query": question, "variables": variables or {}}, headers=headers).json()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["keys"] if FILE.exists():
            sys.exit(f"{FILE} is there already: remove it, or name another file by KEY")
        case ["keys"]:
            mine = ECKey.generate_key("P-256")
            FILE.touch(mode=0o600)
            FILE.write_text(json.dumps(mine.as_dict(private=True)))
            print(json.dumps({"keys": [mine.as_dict(private=False) | {"kid": mine.thumbprint()}]}))
        case ["ask", client, question, *variables]:
            mine = ECKey.import_key(json.loads(FILE.read_text()))
            given = json.loads(variables[0]) if variables else None
            try:
                print(json.dumps(ask(mine, client, question, given), indent=2, ensure_ascii=False))
            except httpx.HTTPError as error:
                sys.exit(str(error))
        case _:
            sys.exit(__doc__)
