"""Plans: shared by requests of one shape, golden in their SQL, refused when they ask too much."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from profiles import BOARD, PARTNER

from hub.planner import Asked, Limits, OperationRefused, Planner
from hub.planner.explain import explain, readable
from schema.access import ANONYMOUS, AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, Purpose, Relation

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
HANDED = AccessProfile(
    relation=Relation.PARTNER_AGREEMENT,
    scopes=frozenset(AccessScope),
    organisation_id=UUID(int=1),
    purpose=Purpose.ASSESSMENT,
)
PROFILES = {"stranger": ANONYMOUS, "partner": PARTNER, "board": BOARD, "handed": HANDED}
VARIABLES = {"casefile": {"case": "ca_x"}}


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner(SCHEMA, Limits())


def sql(planner: Planner, document: str, profile: AccessProfile = ANONYMOUS, **variables: object) -> str:
    return planner.bind(document, None, variables, Asked(profile, NOW)).plan.sql


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.graphql")), ids=lambda path: path.stem)
def test_the_statement_is_the_golden_one(planner: Planner, path: Path):
    document = path.read_text(encoding="utf-8")
    profile = PROFILES[document.partition("\n")[0].removeprefix("# ").partition(":")[0]]
    written = sql(planner, document, profile, **VARIABLES.get(path.stem, {}))
    assert readable(written) == path.with_suffix(".sql").read_text(encoding="utf-8")


def test_requests_of_one_shape_share_a_plan(planner: Planner):
    document = (
        "query($slug: String, $size: Int) { cities(first: $size, where: {slug: {eq: $slug}}) { nodes { name } } }"
    )
    plans = {
        planner.bind(document, None, variables, Asked(ANONYMOUS, NOW)).plan
        for variables in ({"slug": "a", "size": 1}, {"slug": "b", "size": 2}, {"slug": "a", "size": 1})
    }
    assert len(plans) == 1


def test_a_null_filter_has_a_plan_of_its_own_without_the_condition(planner: Planner):
    document = "query($slug: String) { cities(where: {slug: {eq: $slug}}) { nodes { name } } }"
    given, null, missing = (sql(planner, document, **variables) for variables in ({"slug": "a"}, {"slug": None}, {}))
    assert ".slug =" in given
    assert ".slug =" not in null
    assert null == missing


def test_what_a_request_brings_is_never_written_into_the_statement(planner: Planner):
    planted = "x'; drop table city; --"
    document = "query($name: String) { cities(where: {name: {contains: $name}}) { nodes { name } } }"
    assert "drop" not in sql(planner, document, name=planted)
    literal = '{ cities(where: {name: {contains: "x\'; drop table city; --"}}) { nodes { name } } }'
    assert "drop" not in sql(planner, literal)


def test_a_withheld_field_is_not_in_the_statement(planner: Planner):
    document = "{ cities { nodes { name residencyMonths coordinators { name } places { nodes { title } } } } }"
    stranger = sql(planner, document)
    assert "coordinator" not in stranger.replace('"coordinators"', "")
    assert "residency_months" not in stranger
    assert "place" not in stranger.replace('"places"', "")
    assert "residency_months" in sql(planner, document, PARTNER)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ cities(first: 1, last: 1) { nodes { name } } }", "BAD_PAGE"),
        ("{ cities(first: 0) { nodes { name } } }", "BAD_PAGE"),
        ("{ cities(first: 101) { nodes { name } } }", "BAD_PAGE"),
        ('{ cities(after: "no cursor") { nodes { name } } }', "BAD_CURSOR"),
        ('{ cities(where: {name: {contains: "ab"}}) { nodes { name } } }', "BAD_FILTER"),
        ("{ city { name } }", "BAD_KEY"),
        ("{ networkSize(where: {fromYear: 1990, untilYear: 2020}) { year } }", "BAD_FILTER"),
        ("{ cities { nodes { nome } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ cities { ", "GRAPHQL_PARSE_FAILED"),
        ("{ cities(first: 100) { nodes { residents(first: 100) { nodes { name } } } } }", "TOO_COSTLY"),
        ("query A { cities { totalCount } } query B { cities { totalCount } }", "NO_SUCH_OPERATION"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_database(planner: Planner, document: str, code: str):
    with pytest.raises(OperationRefused) as refused:
        sql(planner, document)
    assert refused.value.reason_code == code


def test_page_sizes_multiply_into_the_cost(planner: Planner):
    document = "query($n: Int) { cities(first: $n) { nodes { residents(first: 10) { nodes { name } } } } }"
    costs = [planner.bind(document, None, {"n": n}, Asked(ANONYMOUS, NOW)).cost for n in (1, 10)]
    assert costs == [1 + 1 * (1 + 1 + 10), 1 + 10 * (1 + 1 + 10)]


def test_a_cursor_of_one_order_is_refused_in_another(planner: Planner):
    document = "query($order: CityOrder, $after: String) { cities(after: $after, orderBy: $order) { nodes { name } } }"
    cursor = "WyIwNzRjMWUiLCJhYXJodXMiLCI3NDljMTY4Ny04MWZjLTQ5ODgtYjY4NS01Mzk2ZDdmMjY0ZGUiXQ=="
    sql(planner, document, order={"field": "NAME"}, after=cursor)
    with pytest.raises(OperationRefused) as refused:
        sql(planner, document, order={"field": "NAME", "direction": "DESC"}, after=cursor)
    assert refused.value.reason_code == "BAD_CURSOR"


def test_explain_shows_every_stage_and_why_a_field_is_hidden(planner: Planner):
    document = "query($n: Int) { cities(first: $n) { nodes { name places { nodes { title } } } } }"
    told = explain(planner, document, {"n": 2}, ANONYMOUS)
    for stage in ("# variables", "# asked", "# woven", "# withheld", "# statement", "# parameters", "# cost"):
        assert stage in told
    assert "cities.nodes.places: SCOPE (NETWORK)" in told


@pytest.mark.parametrize(
    "document",
    [
        "subscription { referralEvents { number } }",
        'mutation { openCase(input: {idempotencyKey: "12345678", content: {}}) { __typename } }',
    ],
)
def test_what_is_not_planned_is_not_explained(planner: Planner, document: str):
    with pytest.raises(OperationRefused) as refused:
        explain(planner, document, {}, ANONYMOUS)
    assert refused.value.reason_code == "OPERATION_NOT_SUPPORTED"
