"""Sealed categories as the graph opens them: erased persons, rows that were swapped, what leaves the database."""

import base64
import io
import json

import psycopg
from desk import Hub
from office import (
    CASE,
    CLAIM,
    COARSE,
    LEAD,
    NAME,
    NOW,
    PLANTED,
    VEIL,
    case_id,
    codes,
    partner,
    staff,
)

from hub import log
from hub.operations import Operations, Persons
from schema.tables import CaseAssessmentRow, CaseFamilyRow, CaseHealthRow, CaseLocationRow, ConsentRow
from schema.vocabulary import (
    Category,
    Relation,
)


async def test_an_erased_person_answers_sealed_whether_or_not_anything_was_recorded(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        empty = office.file(sealed=False)
        office.vault.destroy_key(office.connection, file.person, NOW)
        office.vault.destroy_key(office.connection, empty.person, NOW)
    for each in (file, empty):
        answer = await hub.ask(CASE, LEAD, id=case_id(each, LEAD))
        assert codes(answer) == dict.fromkeys(("identity", "risk", "securityAdvice"), "SEALED")
        assert answer["data"]["case"]["identity"] is answer["data"]["case"]["securityAdvice"] is None
    who = partner(body)
    answer = await hub.ask(CASE, who, id=case_id(file, who))
    assert codes(answer) == dict.fromkeys(("identity", "risk", "securityAdvice"), "SEALED")
    coarse = "query($id: ID!) { case(id: $id) { currentRegion arrivalMonth careNeeds household { adults } opinion } }"
    answer = await hub.ask(coarse, who, id=case_id(file, who))
    assert codes(answer) == dict.fromkeys(answer["data"]["case"], "SEALED")


async def test_a_coarse_field_shows_nothing_else_of_its_envelope(hub, handed):
    file, body, *_, referral = handed
    with hub.office() as office:
        office.packet(file, referral)
        location = {"country": "KE", "place": "Planted Place", "arrival_on": "2027-03-17"}
        office.vault.write(office.connection, CaseLocationRow, file.case, file.person, location)
    who = partner(body)
    document = "query($id: ID!) { referral(id: $id) { case { %s } packet { %s } } }"
    names = "currentRegion arrivalMonth careNeeds household { adults children } opinion contactRule"
    text = await hub.text(document % (names, names), who, id=f"rf_{referral}")
    assert b"Planted" not in text
    assert b"KE" not in text
    read = json.loads(text)["data"]["referral"]
    assert read["packet"] == COARSE
    # Cut from what is kept in full: the region of the country, the month of the day.
    assert read["case"] == COARSE | {"currentRegion": "EASTERN_AFRICA", "arrivalMonth": "2027-03-01"}


async def test_coarse_values_that_nobody_can_read_are_null(hub):
    with hub.office() as office:
        file = office.file(owner_id=office.account(Relation.CASEWORKER))
        for row, content in (
            (CaseLocationRow, {"current_region": "somewhere", "country": "Kenya", "arrival_month": "2027-13"}),
            (CaseHealthRow, {"care_needs": "quiet_home"}),
            (CaseFamilyRow, {"household": {"adults": "two", "children": 1}}),
            (CaseAssessmentRow, {"opinion": ["supported"]}),
        ):
            office.vault.write(office.connection, row, file.case, file.person, content)
        owner = office.connection.exec_driver_sql("select owner_id from case_file").scalar()
    who = staff(Relation.CASEWORKER, owner)
    names = "currentRegion arrivalMonth careNeeds household { adults } opinion"
    answer = await hub.ask(f"query($id: ID!) {{ case(id: $id) {{ {names} }} }}", who, id=case_id(file, who))
    assert answer == {"data": {"case": dict.fromkeys(each for each in COARSE if each != "contactRule")}}


async def test_what_was_never_recorded_is_null_and_not_withheld(hub):
    with hub.office() as office:
        file = office.file(sealed=False)
    answer = await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    assert answer == {"data": {"case": {"state": "OPEN", "identity": None, "risk": None, "securityAdvice": None}}}


async def test_envelopes_swapped_in_the_database_do_not_open(hub):
    stream = io.StringIO()
    log.configure(strict=True, level="warning", stream=stream)
    with hub.office() as office:
        one, other = office.file(), office.file()
        office.connection.exec_driver_sql(
            "update case_identity i set sealed = o.sealed from case_identity o where o.case_id <> i.case_id"
        )
    answer = await hub.ask(CASE, LEAD, id=case_id(one, LEAD))
    log.configure(strict=True, level="warning")
    assert answer["data"]["case"]["identity"] is None
    assert answer["data"]["case"]["risk"] == {"claim": CLAIM}
    assert codes(answer) == {"identity": "SEALED"}
    assert other
    told = json.loads(stream.getvalue())
    assert (told["event"], told["table"]) == ("sealed.not_opened", "case_identity")


async def test_a_sealed_value_leaves_the_database_only_where_it_is_released(hub, handed):
    file, body, _, consent, _ = handed
    raw = hub.rows("select sealed from case_identity")[0][0]
    with hub.office() as office:
        office.change(ConsentRow, consent, categories=[Category.CASE])
    who = partner(body)
    noting = Noting(hub.audited)
    hub.operations = Operations(
        reader=hub.open, clock=hub.clock, planner=hub.operations.planner, persons=Persons(noting, hub.sealing, VEIL)
    )
    await hub.ask(CASE, who, id=case_id(file, who))
    await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    envelope = base64.b64encode(raw)[:40]
    assert [envelope in each.replace(b"\n", b"") for each in noting.read] == [False, True]


class Noting:
    """A door that keeps what came through it."""

    def __init__(self, door):
        self.door = door
        self.read: list[bytes] = []

    async def fetch_text(self, sql, args=()):
        self.read.append(await self.door.fetch_text(sql, args))
        return self.read[-1]


async def test_planted_names_are_in_no_dump_of_the_database_and_in_no_log(hub, handed):
    file, body, *_ = handed
    stream = io.StringIO()
    log.configure(strict=True, level="debug", stream=stream)
    who = partner(body)
    answer = await hub.text(CASE, who, id=case_id(file, who))
    assert NAME.encode() in answer
    log.configure(strict=True, level="warning")
    dump = _dumped(hub)
    assert b"audit_leaf" in dump
    for planted in PLANTED:
        assert planted.encode() not in dump
        assert planted.encode().hex().encode() not in dump
        assert planted not in stream.getvalue()


def _dumped(hub: Hub) -> bytes:
    """Copy every table out as text."""
    out = []
    with psycopg.connect(hub.database.conninfo) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public' order by 1"
        ).fetchall()
        for (name,) in names:
            out.append(name.encode())
            with connection.cursor().copy(f'copy "{name}" to stdout') as copied:
                out.extend(bytes(block) for block in copied)
    return b"\n".join(out)
