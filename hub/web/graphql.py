"""GraphQL over HTTP: POST with JSON by a short path, GET for queries with a preflight header, all else refused.

Source: GraphQL over HTTP, working draft. The media type decides the status: `application/json` is answered with 200
whenever the request itself was well formed; `application/graphql-response+json` tells refusals by status. A browser can
send neither a JSON body nor the preflight header to another origin without asking first, which keeps forged requests out.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from hub.errors import HubError
from hub.log import logger
from hub.operations import Answer, Operations
from hub.web.http import BodyTooLarge, ClientGone, header, read_body, respond
from schema.access import ANONYMOUS, AccessProfile

JSON: Final = b"application/json"
RESPONSE_JSON: Final = b"application/graphql-response+json"
_JSON_UTF8: Final = JSON + b"; charset=utf-8"
_RESPONSE_UTF8: Final = RESPONSE_JSON + b"; charset=utf-8"
PREFLIGHT: Final = b"graphql-require-preflight"
ALLOWED: Final = ((b"allow", b"GET, POST"),)
_STATUS: Final = {
    "STORE_UNAVAILABLE": 503,
    "QUERY_TIMEOUT": 504,
    "INTERNAL_ERROR": 500,
}
_log = logger()


class RequestMalformed(HubError):
    """The request is no GraphQL request."""

    code = "BAD_REQUEST"
    public = "The request is no GraphQL request."

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__()
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Params:
    """What a GraphQL request says."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    tell_cost: bool


class Authenticate(Protocol):
    """Tells who asks."""

    async def __call__(self, scope: Scope) -> AccessProfile:
        """Read the profile off a request."""
        ...


async def anonymous(_scope: Scope) -> AccessProfile:
    """Take everybody for a stranger."""
    return ANONYMOUS


class GraphQLEndpoint:
    """The one address of the graph."""

    def __init__(self, operations: Operations, *, body_bytes_max: int, authenticate: Authenticate = anonymous) -> None:
        self._operations = operations
        self._body_most = body_bytes_max
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        modern = RESPONSE_JSON in header(scope, b"accept")
        media = _RESPONSE_UTF8 if modern else _JSON_UTF8
        try:
            params = await self._params(scope, receive)
            profile = await self._authenticate(scope)
            answer = await self._operations.execute(
                params.query,
                variables=params.variables,
                operation_name=params.operation_name,
                profile=profile,
                tell_cost=params.tell_cost,
            )
        except ClientGone:
            return
        except BodyTooLarge as error:
            await respond(send, 413, media, _error(error.code, error.public), ((b"connection", b"close"),))
            return
        except RequestMalformed as error:
            more = ALLOWED if error.status == 405 else ()  # noqa: PLR2004  # Method Not Allowed
            await respond(send, error.status, media, _error(error.code, error.message), more)
            return
        except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
            await self._fail(send, media, error)
            return
        await respond(send, _status(answer, modern=modern), media, answer.body)

    async def _params(self, scope: Scope, receive: Receive) -> Params:
        match scope["method"]:
            case "POST":
                return _from_json(await self._json(scope, receive))
            case "GET":
                return _from_query(scope)
            case _:
                raise RequestMalformed("Use POST.", 405)

    async def _json(self, scope: Scope, receive: Receive) -> Any:  # noqa: ANN401  # JSON
        content_type = header(scope, b"content-type").partition(b";")[0].strip().lower()
        if content_type != JSON:
            raise RequestMalformed("Send JSON, with content-type application/json.", 415)
        body = await read_body(scope, receive, self._body_most)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise RequestMalformed("The body is no JSON, or it is nested too deeply.") from None

    async def _fail(self, send: Send, media: bytes, error: Exception) -> None:
        request_id = str(uuid4())
        _log.error("graphql.failed", request_id=request_id, error=type(error).__name__)
        body = _error("INTERNAL_ERROR", f"Something went wrong in the hub. Tell us this id: {request_id}")
        await respond(send, 500, media, body)


def _status(answer: Answer, *, modern: bool) -> int:
    if answer.code is None:
        return 200
    return _STATUS.get(answer.code, 400 if modern else 200)


def _error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"message": message, "extensions": {"code": code}}]}).encode()


def _from_json(body: Any) -> Params:  # noqa: ANN401  # JSON
    if not isinstance(body, dict):
        raise RequestMalformed("The body is a JSON object; lists of operations are not taken.")
    query, variables = body.get("query"), body.get("variables")
    name, extensions = body.get("operationName"), body.get("extensions")
    if not isinstance(query, str):
        raise RequestMalformed("query is the document, as a string.")
    if variables is not None and not isinstance(variables, dict):
        raise RequestMalformed("variables is an object.")
    if name is not None and not isinstance(name, str):
        raise RequestMalformed("operationName is a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise RequestMalformed("extensions is an object.")
    return Params(query, variables, name or None, bool(extensions and extensions.get("cost")))


def _from_query(scope: Scope) -> Params:
    if not header(scope, PREFLIGHT):
        raise RequestMalformed("Use POST. GET needs the header GraphQL-Require-Preflight.", 405)
    try:
        fields = parse_qs(scope["query_string"].decode(), strict_parsing=True, max_num_fields=10)
        given = {name: values[0] for name, values in fields.items()}
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = json.loads(given[name])
    except (ValueError, RecursionError):
        raise RequestMalformed("The query string cannot be read.") from None
    return _from_json(given)
