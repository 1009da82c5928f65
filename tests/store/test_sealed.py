"""Sealed values, tried by who can write to the database: swaps, cuts, flips, older copies, keys of others."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import combinations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from hub.store.sealed import Place, SealBroken, Sealing
from hub.store.vault import KeyDestroyed, Vault
from hub.store.veil import Veil
from schema.tables import CaseIdentityRow, CaseRiskRow, CaseRow, PersonRow, SubjectKeyRow
from schema.tables.base import table_of
from schema.vocabulary import CaseState, ContactRule

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAME = "Planted Person-Name"
PLACES = [
    Place(table, column, UUID(int=row), version, UUID(int=subject))
    for table in ("case_identity", "case_risk")
    for column in ("sealed", "words")
    for row in (1, 2)
    for version in (1, 2)
    for subject in (3, 4)
]


def derive(label: str) -> bytes:
    return sha256(b"root of the tests" + label.encode()).digest()


@pytest.fixture
def sealing() -> Sealing:
    return Sealing(derive)


@pytest.mark.parametrize(("one", "other"), list(combinations(PLACES, 2)))
def test_what_was_sealed_for_one_place_opens_in_no_other(sealing, one, other):
    keys = {subject: sealing.new_key(subject, 1) for subject in (UUID(int=3), UUID(int=4))}
    sealed = sealing.seal(b"secret", keys[one.subject], one)
    assert sealing.open(sealed, keys[one.subject], one) == b"secret"
    with pytest.raises(SealBroken):
        sealing.open(sealed, keys[other.subject], other)
    with pytest.raises(SealBroken):
        sealing.open(sealed, keys[one.subject], other)


def test_what_is_bound_to_a_place_is_written_as_ever():
    """Byte for byte: by any other bytes nothing that was sealed before would open."""
    place = Place("case_risk", "sealed", UUID(int=7), 12, UUID(int=9))
    parts = ["icorn-hub", "01", "value", "case_risk", "sealed", str(UUID(int=7)), "12", str(UUID(int=9))]
    assert place.bound == b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30, 1.5, float("inf")])
def test_content_comes_back_with_every_number_that_was_sealed(sealing, number):
    key = sealing.new_key(PLACES[0].subject, 1)
    content = {"number": number, "word": "é\u2028", "list": [None, True, {"a": []}]}
    assert sealing.open_content(sealing.seal_content(content, key, PLACES[0]), key, PLACES[0]) == content


def test_every_flipped_bit_and_every_cut_is_seen(sealing):
    place = PLACES[0]
    key = sealing.new_key(place.subject, 1)
    sealed = sealing.seal(b"secret", key, place)
    for index in range(len(sealed)):
        broken = bytearray(sealed)
        broken[index] ^= 1
        for changed in (bytes(broken), sealed[:index], sealed[index + 1 :]):
            with pytest.raises(SealBroken):
                sealing.open(changed, key, place)
    with pytest.raises(SealBroken):
        sealing.open(sealed + b"\0", key, place)


def test_a_wrapped_key_is_bound_to_its_subject_and_its_version(sealing):
    place = PLACES[0]
    key = sealing.new_key(place.subject, 1)
    sealed = sealing.seal(b"secret", key, place)
    for changed in (
        replace(key, version=2),
        replace(key, wrapped=key.wrapped[:-1] + bytes([key.wrapped[-1] ^ 1])),
        replace(key, wrapped=key.wrapped[:-1]),
        sealing.new_key(place.subject, 1),
    ):
        with pytest.raises(SealBroken):
            Sealing(derive).open(sealed, changed, place)
    other = UUID(int=4)
    with pytest.raises(SealBroken):
        Sealing(derive).open(sealed, replace(key, subject=other), replace(place, subject=other))
    with pytest.raises(SealBroken):
        Sealing(lambda label: derive("another root" + label)).open(sealed, key, place)


@given(st.binary(max_size=9000))
def test_whatever_is_sealed_comes_back_and_sizes_fall_in_few_steps(plain):
    sealing, place = Sealing(derive), PLACES[0]
    key = sealing.new_key(place.subject, 1)
    sealed = sealing.seal(plain, key, place)
    assert sealing.open(sealed, key, place) == plain
    assert len(sealed) - 29 in {256, 512, 1024, 2048, 4096, 8192, 12288}


def test_few_unwrapped_keys_are_kept():
    sealing = Sealing(derive, keys_most=2)
    for number in range(5):
        place = replace(PLACES[0], subject=UUID(int=number))
        sealing.seal(b"", sealing.new_key(place.subject, 1), place)
    assert sealing.kept == 2


# ---- In the database -------------------------------------------------------------------------------------------------


def person(connection) -> tuple[UUID, UUID]:
    """Make a person with a case."""
    subject, case = uuid4(), uuid4()
    connection.execute(
        insert(table_of(PersonRow)).values(id=subject, contact_rule=ContactRule.NEVER, blocked_organisations=[])
    )
    connection.execute(
        insert(table_of(CaseRow)).values(id=case, person_id=subject, state=CaseState.OPEN, opened_on=date(2026, 1, 1))
    )
    return subject, case


@pytest.fixture
def vault(sealing) -> Vault:
    return Vault(sealing)


def test_a_category_is_written_read_and_counted(engine, vault):
    with engine.begin() as connection:
        subject, case = person(connection)
        vault.make_key(connection, subject, NOW)
        assert vault.read(connection, CaseIdentityRow, case) is None
        assert vault.write(connection, CaseIdentityRow, case, subject, {"legal_name": NAME}) == 1
        assert vault.write(connection, CaseIdentityRow, case, subject, {"legal_name": NAME + "2"}) == 2
        assert vault.write(connection, CaseRiskRow, case, subject, {"claim": "-"}) == 1
        assert vault.read(connection, CaseIdentityRow, case) == {"legal_name": NAME + "2"}
        raw = connection.scalar(select(table_of(CaseIdentityRow).c.sealed))
        assert NAME.encode() not in raw


def test_rows_swapped_or_put_back_in_the_database_do_not_open(engine, vault):
    table = table_of(CaseIdentityRow)
    with engine.begin() as connection:
        people = [person(connection) for _ in range(2)]
        for subject, case in people:
            vault.make_key(connection, subject, NOW)
            vault.write(connection, CaseIdentityRow, case, subject, {"legal_name": NAME})
        (_, mine), (_, other) = people
        older = connection.scalar(select(table.c.sealed).where(table.c.case_id == mine))
        vault.write(connection, CaseIdentityRow, mine, people[0][0], {"legal_name": "newer"})
        connection.execute(update(table).where(table.c.case_id == mine).values(sealed=older))
        with pytest.raises(SealBroken):
            vault.read(connection, CaseIdentityRow, mine)
        connection.execute(update(table).where(table.c.case_id == other).values(sealed=older))
        with pytest.raises(SealBroken):
            vault.read(connection, CaseIdentityRow, other)


def test_a_destroyed_key_opens_nothing_and_is_not_made_again(engine, vault):
    with engine.begin() as connection:
        subject, case = person(connection)
        vault.make_key(connection, subject, NOW)
        vault.write(connection, CaseIdentityRow, case, subject, {"legal_name": NAME})
        vault.destroy_key(connection, subject, NOW)
        with pytest.raises(KeyDestroyed):
            vault.read(connection, CaseIdentityRow, case)
        with pytest.raises(KeyDestroyed):
            vault.make_key(connection, subject, NOW)
        with pytest.raises(KeyDestroyed):
            vault.write(connection, CaseIdentityRow, case, subject, {})


def test_rotation_wraps_every_key_anew_and_loses_nothing(engine, vault):
    keys = table_of(SubjectKeyRow)
    with engine.begin() as connection:
        people = [person(connection) for _ in range(3)]
        for subject, case in people:
            vault.make_key(connection, subject, NOW)
            vault.write(connection, CaseIdentityRow, case, subject, {"legal_name": NAME})
        vault.destroy_key(connection, people[2][0], NOW)
        before = set(connection.scalars(select(keys.c.wrapped)))
        assert vault.rotate(connection) == 2
        assert vault.rotate(connection) == 2
        assert before & set(connection.scalars(select(keys.c.wrapped))) == {None}
        assert vault.version(connection) == 3
        fresh = Vault(Sealing(derive))
        assert [fresh.read(connection, CaseIdentityRow, case) for _, case in people[:2]] == [{"legal_name": NAME}] * 2
        assert fresh.make_key(connection, uuid4(), NOW).version == 3


# ---- Pairwise ids ----------------------------------------------------------------------------------------------------


@given(st.uuids(), st.text(min_size=1), st.text(min_size=1))
def test_an_id_is_another_for_every_audience_and_found_again_by_its_own(internal, mine, other):
    veil = Veil(derive)
    shown = veil.hide(mine, "ca", internal)
    assert veil.find(mine, "ca", shown) == internal
    assert shown != internal
    assert veil.hide(mine, "pe", internal) != shown
    if mine != other:
        assert veil.hide(other, "ca", internal) != shown
        assert veil.find(other, "ca", shown) != internal


@given(st.uuids(), st.uuids(), st.text(min_size=1), st.text(min_size=1))
def test_a_code_name_is_another_for_every_audience_and_every_record(internal, another, mine, other):
    veil = Veil(derive)
    name = veil.code_name(mine, internal)
    assert re.fullmatch(r"C(-[BCDFGHJKLMNPQRSTVWXZ2-9]{5}){2}", name)
    assert Veil(derive).code_name(mine, internal) == name
    assert (veil.code_name(other, internal) == name) == (other == mine)
    assert (veil.code_name(mine, another) == name) == (another == internal)
    assert Veil(lambda use: derive(f"{use}?")).code_name(mine, internal) != name, "nobody makes it without the root key"


def test_a_cursor_opens_for_its_audience_alone():
    veil = Veil(derive)
    shown = veil.hide_cursor("a", '["tag","2026-11-21","id"]')
    assert "2026" not in shown
    assert veil.find_cursor("a", shown) == '["tag","2026-11-21","id"]'
    assert veil.find_cursor("b", shown) is None
    assert veil.find_cursor("a", shown[:-4]) is None
    assert veil.find_cursor("a", "é") is None


def test_ids_are_hidden_and_found_alike_by_many_threads():
    veil = Veil(derive)
    ids = [UUID(int=number) for number in range(200)]
    alone = [Veil(derive).hide("organisation:a", "ca", each) for each in ids]

    def work(_: int) -> bool:
        shown = [veil.hide("organisation:a", "ca", each) for each in ids]
        return shown == alone and [veil.find("organisation:a", "ca", each) for each in shown] == ids

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))
