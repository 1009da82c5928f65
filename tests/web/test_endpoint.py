"""The address of the graph: media types, statuses, ids of requests, costs, and what strangers learn of failures."""

import json

import httpx
import pytest
import structlog
from doors import open_endpoint
from serving import serving
from structlog.testing import capture_logs

from hub import log
from hub.errors import QueryTimeout, StoreUnavailable
from hub.operations import Operations
from hub.web.routes import Site

MODERN = "application/graphql-response+json"
TYPENAME = {"query": "{__typename}"}


@pytest.mark.parametrize(
    ("accept", "got"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (MODERN, MODERN),
        (f"{MODERN}, application/json;q=0.9", MODERN),
        (f"application/json, {MODERN}", MODERN),
        (f"application/json, {MODERN};q=0.5", "application/json"),
        (f"{MODERN};q=0, */*", "application/json"),
        (f"text/html, {MODERN.upper()}; charset=utf-8", MODERN),
    ],
)
async def test_the_client_chooses_the_media_type(client, accept, got):
    request = client.build_request("POST", "/graphql", json=TYPENAME)
    del request.headers["accept"]
    if accept:
        request.headers["accept"] = accept
    answer = await client.send(request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{got}; charset=utf-8"


async def test_an_answer_is_never_stored_nor_guessed_at(client):
    answer = await client.post("/graphql", json=TYPENAME)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "x-request-id" not in answer.headers


@pytest.mark.parametrize("headers", [{"graphql-require-preflight": "1"}, {"sec-fetch-mode": "cors"}])
async def test_a_get_that_no_foreign_page_can_have_sent_is_answered(client, headers):
    params = {"query": "query($s: String!) {city(slug: $s) {name}}", "variables": json.dumps({"s": "no-bergen"})}
    answer = await client.get("/graphql", params=params, headers=headers)
    assert answer.json() == {"data": {"city": {"name": "Bergen"}}}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-mode": "navigate", "sec-fetch-site": "none"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-site": "same-origin"},
        {"sec-fetch-mode": "cors", "sec-fetch-site": "same-site"},
        {"sec-fetch-mode": "cors", "origin": "null"},
        {"sec-fetch-mode": "cors", "cookie": "a=b"},
    ],
)
async def test_a_get_that_a_foreign_page_may_have_sent_is_refused(client, headers):
    answer = await client.get("/graphql", params=TYPENAME, headers=headers)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_another_method_is_told_which_are_allowed(client):
    answer = await client.request("PUT", "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert (await client.head("/graphql")).content == b""


async def test_a_cookie_is_no_business_of_a_strangers_request(client):
    plain = await client.post("/graphql", json=TYPENAME)
    answer = await client.post("/graphql", json=TYPENAME, headers={"cookie": "session=1; __Host-a=b"})
    assert answer.content == plain.content
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["content-type", "authorization", "purpose-of-use"])
async def test_a_header_that_may_come_once_may_not_come_twice(client, name):
    given = [("content-type", "application/json"), (name, "application/json"), (name, "text/plain")]
    answer = await client.post("/graphql", content=json.dumps(TYPENAME), headers=given)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_headers_that_proxies_repeat_may_come_twice(client):
    given = [("content-type", "application/json"), ("via", "1.1 a"), ("via", "1.1 b")]
    assert (await client.post("/graphql", content=json.dumps(TYPENAME), headers=given)).status_code == 200


async def test_the_cost_is_told_to_who_asks(client):
    plain = await client.post("/graphql", json={"query": "{cities(first: 3) {nodes {id}}}"})
    asked = {"query": "{cities(first: 3) {nodes {id}}}", "extensions": {"cost": True}}
    told = await client.post("/graphql", json=asked)
    assert "extensions" not in plain.json()
    assert told.json()["extensions"]["cost"] > 0
    assert told.json()["data"] == plain.json()["data"]


async def test_the_schema_is_open_to_all(client):
    answer = await client.post("/graphql", json={"query": "{__schema {queryType {name}}}"})
    assert answer.json()["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize("given", ["abcdefgh", "0af7651916cd43dd8448eb211c80319c", "a.b-c_d.123"])
async def test_an_error_carries_the_id_the_client_gave(client, given):
    answer = await client.post("/graphql", json={"query": "{"}, headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "someone@example.org", "a b c d e f g h", "éééééééé"])
async def test_an_id_that_is_none_is_replaced(client, given):
    answer = await client.post("/graphql", json={"query": "{"}, headers={"x-request-id": given.encode()})
    assert answer.headers["x-request-id"] not in ("", given)


class Failing:
    """A database that fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def fetch_text(self, _sql, _args=()):
        raise self.error

    async def ready(self) -> bool:
        raise self.error


@pytest.fixture
def failing():
    """Serve a hub whose database fails as told."""

    def served(error: Exception):
        reader = Failing(error)
        endpoint = open_endpoint(Operations(reader=reader), body_bytes_max=10_000)
        return serving(Site(endpoint, reader.ready, str, None))

    yield served
    structlog.reset_defaults()
    log.configure(strict=True, level="warning")


SECRET = "Ms Somebody, Elsewhere Street 1"


def test_a_failure_is_told_by_nothing_but_its_id(failing):
    with failing(RuntimeError(SECRET)) as url, capture_logs() as lines:
        answer = httpx.post(f"{url}/graphql", json=TYPENAME, headers={"x-request-id": "request-17"})
    assert answer.status_code == 500
    assert answer.json() == {
        "errors": [
            {
                "message": "Something went wrong in the hub. Tell us this id: request-17",
                "extensions": {"code": "INTERNAL_ERROR"},
            }
        ]
    }
    assert lines == [
        {"event": "graphql.failed", "log_level": "error", "request_id": "request-17", "error": "RuntimeError"}
    ]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable(SECRET), 503, "STORE_UNAVAILABLE"),
        (QueryTimeout(timeout_ms=2000), 504, "QUERY_TIMEOUT"),
    ],
)
def test_the_hubs_own_troubles_are_told_by_status(failing, error, status, code):
    with failing(error) as url, capture_logs() as lines:
        answer = httpx.post(f"{url}/graphql", json=TYPENAME, headers={"x-request-id": "request-18"})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert SECRET not in answer.text
    assert [(line["event"], line["request_id"], line["code"]) for line in lines] == [
        ("graphql.not_answered", "request-18", code)
    ]


def test_a_page_that_fails_is_told_by_nothing_but_its_id(failing):
    with failing(RuntimeError(SECRET)) as url, capture_logs() as lines:
        answer = httpx.get(f"{url}/ready", headers={"x-request-id": "request-19"})
    assert answer.status_code == 500
    assert answer.json()["requestId"] == "request-19"
    assert SECRET not in answer.text
    assert [(line["event"], line["request_id"]) for line in lines] == [("web.failed", "request-19")]
