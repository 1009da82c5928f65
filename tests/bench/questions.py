"""What is asked: the four operations, values for their variables, and the proof that all servers answer alike."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

OPERATIONS: Final = Path(__file__).parent / "operations"
DOCUMENTS: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(OPERATIONS.glob("*.graphql"))}
DIRECTORY_ROWS: Final = (10, 50, 80)
EVENT_ROWS: Final = 20
SLUGS: Final = 40
PAGES: Final = 4
SUPPORT: Final = (
    "RESIDENCY FELLOWSHIP RELOCATION EMERGENCY_GRANT LEGAL_AID ADVOCACY",
    "SHORT_STAY PLACEMENT MEDICAL PSYCHOSOCIAL VISA_SUPPORT TRAINING REST",
)
INBOX_ROWS: Final = 25
LEAVES: Final = """select kind, relation, actor_id, organisation_id, client, purpose, subjects, categories,
    array(select unnest(fields_returned) order by 1), array(select unnest(fields_withheld) order by 1), operation_hash
  from audit_leaf order by at desc limit %s"""
COUNTRIES: Final = (8, 20)
"""How many countries a filter names: those with most bodies, so that there are pages to turn."""
_CURSORS: Final = frozenset({"cursor", "startCursor", "endCursor"})

Answer = dict[str, Any]


class ServersDisagree(Exception):
    """Two servers answered the same question differently: there is nothing to measure."""


def body_of(operation: str, **variables: object) -> str:
    """Write out the body of one request."""
    name = operation.capitalize()
    return json.dumps({"operationName": name, "query": DOCUMENTS[operation], "variables": variables})


def ask_alike(
    asking: Mapping[str, Callable[[str], Answer]], conninfo: str, *, seed: int
) -> dict[str, dict[str, list[str]]]:
    """Ask every server everything once.

    Args:
        asking: by server, what takes the body of a request and gives the answer.
        conninfo: where to find keys to ask for.
        seed: of the choice among them.
    Returns:
        By server and case, bodies of requests that all servers answer alike.
    Raises:
        ServersDisagree: they do not.
    """
    slugs = [*_slugs(conninfo, random.Random(seed)), "no-such-city"]  # noqa: S311  # not for secrets
    plain = {
        "city": [body_of("city", slug=slug) for slug in slugs],
        "events": [body_of("events", first=EVENT_ROWS)],
        **{f"directory_{rows}": [body_of("directory", first=rows)] for rows in DIRECTORY_ROWS},
    }
    for bodies in plain.values():
        for body in bodies:
            _compare(body, {server: ask(body) for server, ask in asking.items()})
    pages = _pages(asking, _wanted(conninfo))
    return {server: plain | {"bodies": pages[server]} for server in asking}


def ask_of_persons(
    asking: Mapping[str, Callable[[str], Answer]], conninfo: str, cases: Sequence[UUID]
) -> dict[str, dict[str, list[str]]]:
    """Ask every server for each case and for the inbox, and look that all leave the same word of it.

    Args:
        asking: by server, what takes the body of a request and gives the answer.
        conninfo: where the leaves are.
        cases: under the ids that the bearer knows them by.
    Returns:
        By server and case, bodies of requests that all servers answer alike.
    Raises:
        ServersDisagree: they do not.
    """
    bodies = {
        "inbox": [body_of("inbox", first=INBOX_ROWS)],
        "casefile": [body_of("casefile", case=f"ca_{case}") for case in cases],
    }
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for body in (body for case in bodies.values() for body in case):
            answers = {server: ask(body) for server, ask in asking.items()}
            leaves = connection.execute(LEAVES, [len(asking)]).fetchall()
            _compare(body, {server: _told(answer) for server, answer in answers.items()})
            if any(leaf != leaves[0] for leaf in leaves) or len(leaves) != len(asking):
                raise ServersDisagree(f"the leaves differ, asked {body}: {leaves}")
    return dict.fromkeys(asking, bodies)


def _told(answer: Answer) -> Answer:
    """Put what was withheld beside the data, in one order, to be compared along."""
    withheld = answer.get("extensions", {}).get("withheld", [])
    return answer | {"data": {"data": answer["data"], "withheld": sorted(withheld, key=json.dumps)}}


def _slugs(conninfo: str, chance: random.Random) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("select slug from city order by slug").fetchall()
    return [slug for (slug,) in chance.sample(found, min(SLUGS, len(found)))]


def _wanted(conninfo: str) -> list[dict[str, list[str]]]:
    with psycopg.connect(conninfo) as connection:
        query = "select country from organisation where country is not null group by 1 order by count(*) desc, 1"
        countries = [country for (country,) in connection.execute(query)]
    filters = [{"support": support.split(), "countries": countries[:many]} for support in SUPPORT for many in COUNTRIES]
    return [*filters, {"support": ["HOTLINE"], "countries": []}]


def _pages(
    asking: Mapping[str, Callable[[str], Answer]], wanted: Sequence[dict[str, list[str]]]
) -> dict[str, list[str]]:
    """Walk each list page by page, every server by its own cursors."""
    asked: dict[str, list[str]] = {server: [] for server in asking}
    for where in wanted:
        after: dict[str, str | None] = dict.fromkeys(asking)
        for _ in range(PAGES):
            bodies = {server: body_of("bodies", **where, after=after[server]) for server in asking}
            answers = {server: ask(bodies[server]) for server, ask in asking.items()}
            _compare(next(iter(bodies.values())), answers)
            for server in asking:
                asked[server].append(bodies[server])
                after[server] = answers[server]["data"]["organisations"]["pageInfo"]["endCursor"]
            if None in after.values():
                break
    return asked


def _compare(question: str, answers: Mapping[str, Answer]) -> None:
    for server, answer in answers.items():
        if answer.get("errors") or not answer.get("data"):
            raise ServersDisagree(f"{server} gives no answer to {question}: {json.dumps(answer)[:2000]}")
    (first, expected), *others = ((server, _without_cursors(answer["data"])) for server, answer in answers.items())
    for server, found in others:
        if found != expected:
            where = _difference(expected, found)
            raise ServersDisagree(f"{server} does not answer as {first} at {where}, asked {question}")


def _without_cursors(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: each is not None if key in _CURSORS else _without_cursors(each) for key, each in value.items()}
    return [_without_cursors(each) for each in value] if isinstance(value, list) else value


def _difference(expected: Any, found: Any, path: Sequence[str | int] = ()) -> str:
    """Tell where two answers first differ."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        pairs: Any = ((key, expected[key], found[key]) for key in expected)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = zip(range(len(found)), expected, found, strict=True)
    else:
        return f"{'.'.join(map(str, path))}: {json.dumps(expected)[:500]} against {json.dumps(found)[:500]}"
    return next(_difference(one, two, (*path, key)) for key, one, two in pairs if one != two)
