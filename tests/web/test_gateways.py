"""What programs of other people's say: the audits of GraphQL over HTTP, and a composer of supergraphs."""

from pathlib import Path

import node

from hub.planner import Limits, Planner
from schema.printed import printed
from schema.root import SCHEMA

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schema.graphql"


def test_all_audits_of_graphql_over_http_are_passed(hub):
    results = node.run("http.mjs", f"{hub}/graphql")
    assert len(results) == 61
    assert [each for each in results if each["status"] != "ok"] == []


def test_the_subgraph_composes():
    result = node.run("compose.mjs", str(COMMITTED))
    assert result["errors"] == []
    assert result["length"] > 10_000


def test_the_committed_schema_is_the_one_served():
    assert COMMITTED.read_text(encoding="utf-8") == printed(SCHEMA) + "\n", "icorn-hub schema > schema.graphql"
    assert Planner(SCHEMA, Limits()).sdl == printed(SCHEMA)


def test_no_description_is_printed_as_a_block():
    assert '"""' not in printed(SCHEMA)


async def test_gateways_are_given_the_committed_schema(client):
    answer = await client.post("/graphql", json={"query": "{_service{sdl}}"})
    assert answer.json()["data"]["_service"]["sdl"] + "\n" == COMMITTED.read_text(encoding="utf-8")
    assert (await client.get("/schema.graphql")).text + "\n" == COMMITTED.read_text(encoding="utf-8")
