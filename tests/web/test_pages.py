"""All addresses but the graph's: whether the hub lives, what it prints, and how it says no."""

import pytest


async def test_the_hub_says_that_it_lives_and_is_ready(client):
    assert (await client.get("/health")).json() == {"status": "alive"}
    assert (await client.get("/ready")).json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/graphql/", 404),
        ("GET", "/health/", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%00", 404),
        ("GET", "/" + "a" * 20_000, 404),
        ("POST", "/health", 405),
        ("DELETE", "/schema.graphql", 405),
    ],
)
async def test_an_error_is_a_problem(client, method, path, status):
    answer = await client.request(method, path, headers={"x-request-id": "request-20"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert problem["title"] in ("Not Found", "Method Not Allowed")
    assert problem["requestId"] == answer.headers["x-request-id"] == "request-20"
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/health", "/ready", "/schema.graphql", "/nowhere"])
async def test_every_page_is_safe_to_show(client, path):
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
