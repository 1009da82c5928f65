"""Plans: shared by requests of one shape, golden in their SQL, refused when they ask too much."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from profiles import BOARD, PARTNER

from hub.planner import Asked, Limits, OperationRefused, Planner
from hub.planner.bind import CursorForm, Sent, cursor_key
from hub.planner.explain import explain, readable
from hub.planner.planner import Lru
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
    cursor = "074c1eaarhus749c1687-81fc-4988-b685-5396d7f264de"
    sql(planner, document, order={"field": "NAME"}, after=cursor)
    with pytest.raises(OperationRefused) as refused:
        sql(planner, document, order={"field": "NAME", "direction": "DESC"}, after=cursor)
    assert refused.value.reason_code == "BAD_CURSOR"


ROW = "749c1687-81fc-4988-b685-5396d7f264de"
COUNTRY_AND_NAME = "14937b"
YEAR_AND_TITLE = "fa42e8"


@pytest.mark.parametrize(
    ("tag", "kinds", "cursor", "keys"),
    [
        (COUNTRY_AND_NAME, (str, str), f"2:NOå:{ROW}{ROW}", ["NO", f"å:{ROW}"]),
        (COUNTRY_AND_NAME, (str, str), f"0:{ROW}", ["", ""]),
        (COUNTRY_AND_NAME, (str, str), f"3:1:a2:b{ROW}", ["1:a", "2:b"]),
        (YEAR_AND_TITLE, (int, str), f"-12:3:a{ROW}", [-12, "3:a"]),
        (YEAR_AND_TITLE, (int,), f"7:{ROW}", [7]),
    ],
)
def test_a_cursor_gives_back_the_keys_of_its_row(tag: str, kinds: tuple[type, ...], cursor: str, keys: list[object]):
    given, form = Sent({}, Limits()), CursorForm(tag, kinds)
    assert [cursor_key(given, tag + cursor, form, index) for index in range(len(kinds) + 1)] == [*keys, UUID(ROW)]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        ROW,
        f"2:NOoslo{ROW[:-1]}",
        f"2:NOoslo{ROW.upper()}",
        f"2:NOoslo{{{ROW}}}",
        f"+2:NOoslo{ROW}",
        f"02:NOoslo{ROW}",
        f"٢:NOoslo{ROW}",
        f"-1:NOoslo{ROW}",
        f"99:NOoslo{ROW}",
        f"{'9' * 1_900}:NOoslo{ROW}",
        f"2147483648:NOoslo{ROW}",
        f"NOoslo{ROW}",
    ],
)
def test_a_cursor_that_does_not_come_apart_is_refused(cursor: str):
    for kinds in ((str, str), (int, str)):
        if kinds[0] is int and cursor.startswith(("-1:", "99:")):
            continue  # a number may be any
        with pytest.raises(OperationRefused) as refused:
            cursor_key(Sent({}, Limits()), COUNTRY_AND_NAME + cursor, CursorForm(COUNTRY_AND_NAME, kinds), 0)
        assert refused.value.reason_code == "BAD_CURSOR"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.graphql")), ids=lambda path: path.stem)
def test_what_comes_again_is_read_anew_wherever_it_depends_on_who_asks_or_when(planner: Planner, path: Path):
    document = path.read_text(encoding="utf-8")
    profile = PROFILES[document.partition("\n")[0].removeprefix("# ").partition(":")[0]]
    mine = replace(profile, organisation_id=UUID(int=5), subjects=("jti:mine",), client="mine", issued_at=NOW)
    other = replace(profile, organisation_id=UUID(int=7), subjects=("jti:other",), client="other", issued_at=NOW)
    variables = VARIABLES.get(path.stem, {})

    def asked(who: AccessProfile, now: datetime) -> Asked:
        return Asked(who, now, None, document, "again")

    kept = planner.bind(document, None, variables, asked(mine, NOW)).kept()
    later = asked(other, NOW + timedelta(days=1))
    expected = planner.bind(document, None, variables, later).arguments
    assert planner.bound_again(kept, later).arguments == expected
    assert not {str(UUID(int=5)), "['jti:mine']", "mine", str(NOW)} & {str(value) for value in kept.arguments}


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


def test_a_statement_that_is_too_long_is_planned_once_and_refused():
    planner = Planner(SCHEMA, Limits(statement=5_000))
    document = "{ referrals(first: 1) { nodes { state since clock { kind } consent { state } case { code } } } }"
    made = planner.make(document, None, {}, Asked(HANDED, NOW))
    assert isinstance(made.bound, OperationRefused)
    assert (made.price > 200, made.bound.reason_code) == (True, "TOO_COSTLY")
    planner.keep(made)
    with pytest.raises(OperationRefused):
        planner.find(document, None, {}, Asked(HANDED, NOW))
    assert planner.bind("{ cities { totalCount } }", None, {}, Asked(HANDED, NOW)).cost == 11


def test_what_is_kept_is_bounded_by_its_weight_too():
    kept: Lru[int, str] = Lru(100, weigh=len, weight_most=10)
    for number in range(5):
        kept.put(number, "xxxx")
    kept.put(4, "xx")
    assert [kept.get(number) for number in range(5)] == [None, None, None, "xxxx", "xx"]
    kept.put(5, "x" * 50)
    assert len(kept) == 1
