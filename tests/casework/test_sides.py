"""A side that is written in the document: look-ups are left out by it, and nothing else may differ."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from office import EVERY_SCOPE, LEAD, NOW, TODAY, partner, staff
from psycopg.errors import CheckViolation
from sqlalchemy.exc import IntegrityError

from hub.planner import Asked
from schema.access import AccessProfile
from schema.tables.referrals import Direction
from schema.vocabulary import Purpose, ReferralEventKind, ReferralState, Relation

SHOWN = "id state since mySide originRegion languages clock { kind dueAt } recipientReference declineReason"
ORDERS = [f"{field}, direction: {way}" for field in ("DUE", "SINCE", "URGENCY") for way in ("ASC", "DESC")]
STATES = (
    ReferralState.DRAFT,
    ReferralState.SENT,
    ReferralState.IN_REVIEW,
    ReferralState.CLOSED,
    ReferralState.DUPLICATE,
    ReferralState.ENTERED_IN_ERROR,
)


@pytest.fixture
def world(hub) -> dict[str, AccessProfile]:
    """Referrals of three bodies in both directions, sent and not, with clocks and without; give who may ask."""
    with hub.office() as office:
        bodies = [office.body(name) for name in ("one", "two", "three")]
        worker = office.account(Relation.CASEWORKER)
        for body in bodies[:2]:
            office.agree(body)
        pairs = [(office.house, bodies[0]), (bodies[0], office.house), (bodies[0], bodies[1]), (bodies[1], bodies[0])]
        cases = product(pairs, STATES, (True, False), (True, False))
        for number, ((sender, recipient), state, sent, clocked) in enumerate(cases):
            outgoing = sender == office.house
            file = office.file(owner_id=worker if number % 3 else None, holder_id=None if outgoing else sender)
            referral = office.refer(
                file,
                recipient,
                sender_id=sender,
                direction=Direction.OUTGOING if outgoing else Direction.INCOMING,
                state=state,
                since=NOW - timedelta(hours=number % 7),
                sent_at=NOW - timedelta(days=2) if sent else None,
                due_at=NOW + timedelta(hours=number % 5, microseconds=number % 2) if clocked else None,
                recipient_reference=f"ours {number}",
            )
            office.event(referral, 1, ReferralEventKind.SEND, ReferralState.SENT)
            if state is ReferralState.DUPLICATE:
                before = ReferralState.CLOSED if number % 2 else ReferralState.SENT
                office.event(referral, 2, ReferralEventKind.DUPLICATE_DETECTED, state, from_state=before)
                if number % 4 == 0:
                    office.consent(file, recipient, purposes=[Purpose.DUPLICATE_CHECK], until_on=TODAY)
    return {
        "lead": LEAD,
        "caseworker": staff(Relation.CASEWORKER, worker),
        "lead of the house": staff(Relation.LEAD, organisation_id=hub.house),
        "caseworker of the house": staff(Relation.CASEWORKER, worker, organisation_id=hub.house),
        **{f"partner {number}": partner(body) for number, body in enumerate(bodies)},
        "somebody of a body": AccessProfile(
            relation=Relation.RESIDENT, scopes=EVERY_SCOPE, organisation_id=bodies[0], account_id=worker
        ),
    }


async def pages(hub, who: AccessProfile, where: str, order: str, **variables: object) -> list[Any]:
    """Walk a list by pages of forty; give its rows, each with its place in the total."""
    declared = "$after: String" + ("".join(f", ${name}: {kind}" for name, kind in KINDS.items() if name in variables))
    document = f"""query({declared}) {{ referrals(first: 40, after: $after, where: {{ {where} }},
      orderBy: {{ field: {order} }}) {{ edges {{ cursor node {{ {SHOWN} }} }} pageInfo {{ hasNextPage endCursor }}
      totalCount }} }}"""
    rows: list[Any] = []
    after = None
    while True:
        answer = await hub.ask(document, who, after=after, **variables)
        page = answer["data"]["referrals"]
        rows += [each["node"] for each in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(rows) == len({each["id"] for each in rows})
            return rows


KINDS = {"side": "Side", "open": "Boolean"}
FINAL = {"CLOSED", "DUPLICATE", "ENTERED_IN_ERROR"}


def wheres() -> Iterator[tuple[str | None, bool | None]]:
    return product((None, "SENDER", "RECIPIENT"), (None, True, False))


async def test_a_side_in_the_document_finds_and_shows_what_a_variable_does(hub, world):
    for who in world.values():
        everything = await pages(hub, who, "", ORDERS[0])
        for side, is_open in wheres():
            wanted = {
                each["id"]
                for each in everything
                if side in {None, each["mySide"]} and is_open in {None, each["state"] not in FINAL}
            }
            given = {name: value for name, value in (("side", side), ("open", is_open)) if value is not None}
            parts = [side and f"mySide: {side}", is_open is not None and f"open: {str(is_open).lower()}"]
            written, turned = (", ".join(filter(None, each)) for each in (parts, reversed(parts)))
            named = ", ".join({"side": "mySide: $side", "open": "open: $open"}[name] for name in given)
            rows = await pages(hub, who, written, ORDERS[0])
            assert rows == await pages(hub, who, named, ORDERS[0], **given)
            assert rows == await pages(hub, who, turned, ORDERS[0])
            assert {each["id"] for each in rows} == wanted
            assert rows == [each for each in everything if each["id"] in wanted]


async def test_orders_hold_over_pages_and_what_has_no_clock_comes_last(hub, world):
    for order, name in product(ORDERS, ("partner 0", "lead")):
        rows = await pages(hub, world[name], "mySide: RECIPIENT", order)
        assert rows
        due = [each["clock"]["dueAt"] if each["clock"] else None for each in rows if each["state"] not in FINAL]
        since = [each["since"] for each in rows]
        match order.partition(",")[0]:
            case "DUE" | "URGENCY":  # all are as urgent
                keys = [each or "9" for each in due]
            case _:
                keys = since
        assert keys == sorted(keys, reverse=order.endswith("DESC"))


async def test_the_recipient_finds_nothing_before_it_is_sent(hub, world):
    who = world["partner 0"]
    for where in ("mySide: RECIPIENT", "mySide: RECIPIENT, state: {eq: DRAFT}", "mySide: RECIPIENT, open: true"):
        found = {each["id"] for each in await pages(hub, who, where, ORDERS[0])}
        unsent = {f"rf_{row[0]}" for row in hub.rows("select id from referral where sent_at is null")}
        assert not found & unsent
    assert not await pages(hub, world["partner 2"], "mySide: RECIPIENT", ORDERS[0])


@pytest.mark.parametrize("side", ["SENDER", "RECIPIENT"])
async def test_only_a_side_in_the_document_leaves_look_ups_out(hub, side):
    who = partner(hub.house)
    sizes = {}
    for where in (f"mySide: {side}", "mySide: $side"):
        declared = "($side: Side)" if "$" in where else ""
        document = f"query{declared} {{ referrals(where: {{ {where} }}) {{ nodes {{ state since }} }} }}"
        sql = hub.operations.planner.make(document, None, {"side": side} if declared else {}, Asked(who, NOW)).plan.sql
        sizes[where] = sql.count("'sender' = 'sender'"), sql.count("'recipient' = 'sender'"), sql.count("sender_id")
    literal, variable = sizes.values()
    assert literal[side == "RECIPIENT"]
    assert not any(variable[:2])
    assert literal[2] < variable[2]


async def test_a_cursor_with_no_instant_in_it_is_refused(hub):
    with hub.office() as office:
        body = office.body("one")
        office.agree(body)
        office.refer(office.file(), body, due_at=NOW)
    who = partner(body)
    document = """query($after: String) { referrals(first: 1, after: $after, orderBy: { field: DUE }) {
      nodes { id } pageInfo { endCursor } } }"""
    answer = await hub.ask(document, who)
    shown = answer["data"]["referrals"]["pageInfo"]["endCursor"]
    row = shown[-36:]
    moment = shown[shown.index("20") : -36]
    tag = shown.removesuffix(moment + row)
    assert datetime.fromisoformat(moment)
    for good in (moment, "infinity", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"):
        assert "errors" not in await hub.ask(document, who, after=f"{tag}{good}{row}")
    for bad in ("yesterday", "", "2026-13-01 00:00:00", "99999-01-01 00:00:00", "-infinity", "7", "2026-11-21' or '"):
        refused = await hub.ask(document, who, after=f"{tag}{bad}{row}")
        assert refused["errors"][0]["extensions"]["code"] == "BAD_CURSOR", bad


def test_no_referral_has_one_body_on_both_sides(hub):
    """Each body has one side: what a filter settles of a side rests on it."""
    with pytest.raises(IntegrityError) as refused, hub.office() as office:
        office.refer(office.file(), office.house)
    assert isinstance(refused.value.orig, CheckViolation)
