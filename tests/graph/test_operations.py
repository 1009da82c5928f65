"""The questions the graph was drawn from, those of them that its first phase answers; one statement each."""

import json
from pathlib import Path

import pytest
from asking import Ask
from profiles import BOARD, PARTNER

from hub.operations import Operations
from hub.store import Reader

FOLDER = Path(__file__).parent / "operations"
OPERATIONS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.graphql"))}
VARIABLES = {
    "03-partner-city-history": {"slug": "no-stavanger"},
    "30-desk-annual-statistics": {"from": 2015, "until": 2025},
    "60-gateway-entities": {
        "representations": [
            {"__typename": "City", "slug": "no-bergen"},
            {"__typename": "Organisation", "slug": "pen-international"},
            {"__typename": "Resident", "id": "re_00000000-0000-4000-8000-000000000000"},
        ]
    },
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("profile", [None, PARTNER, BOARD], ids=["stranger", "partner", "board"])
async def test_an_operation_is_answered_by_one_statement(
    operations: Operations, demo_reader: Reader, name: str, profile
):
    before = demo_reader.statements
    arguments = {} if profile is None else {"profile": profile}
    answer = await operations.execute(OPERATIONS[name], variables=VARIABLES.get(name, {}), **arguments)
    assert demo_reader.statements == before + 1
    assert answer.code is None
    assert json.loads(answer.body)["data"]


async def test_a_partner_is_told_who_it_is_and_which_members_take_part(ask: Ask):
    data = (await ask(OPERATIONS["01-partner-first-query"], PARTNER))["data"]
    assert data["viewer"]["scopes"] == ["NETWORK_READ"]
    assert data["cities"]["totalCount"] == 90
    assert len(data["cities"]["nodes"]) == 5
    assert data["cities"]["pageInfo"]["hasNextPage"]


async def test_the_directory_can_be_mirrored_page_by_page(ask: Ask):
    document = OPERATIONS["02-partner-directory-page"]
    slugs, after = [], None
    while True:
        page = (await ask(document, after=after, size=7))["data"]["organisations"]
        slugs += [edge["node"]["slug"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    whole = (await ask(document, size=100))["data"]["organisations"]["edges"]
    assert slugs == [edge["node"]["slug"] for edge in whole]
    assert len(slugs) > 7


async def test_an_unknown_entity_is_null_with_one_error_and_spoils_nothing(ask: Ask):
    answer = await ask(OPERATIONS["60-gateway-entities"], **VARIABLES["60-gateway-entities"])
    bergen, pen, nobody = answer["data"]["_entities"]
    assert bergen["slug"] == "no-bergen"
    assert pen["slug"] == "pen-international"
    assert nobody is None
    assert [error["path"] for error in answer["errors"]] == [["_entities", 2]]


@pytest.mark.parametrize(
    "representation",
    [
        {"__typename": "Dragon", "id": "dr_1"},
        {"__typename": "Place", "id": "pl_00000000-0000-4000-8000-000000000000"},
        {"__typename": "City", "id": "not an id"},
        {"__typename": "City"},
        {"slug": "no-bergen"},
        {"__typename": ["City"], "slug": 5},
        "City",
        None,
    ],
)
async def test_a_representation_that_means_nothing_is_null_with_one_error(ask: Ask, representation):
    document = "query($r: [_Any!]!) { _entities(representations: $r) { ... on City { slug } } }"
    known = {"__typename": "City", "slug": "no-bergen"}
    answer = await ask(document, r=[known, representation] if representation is not None else [known, 5])
    assert answer["data"]["_entities"] == [{"slug": "no-bergen"}, None]
    assert answer["errors"][0]["extensions"]["code"] == "ENTITY_NOT_FOUND"
