from collections import defaultdict
from datetime import date
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import SQLModel

import schema.tables
from hub.errors import DataRejected
from hub.store.rows import columns
from hub.synthetic import decorate, generate, populate
from hub.synthetic.chance import Chance
from hub.synthetic.statistics import LEAST, cells, suppress
from schema.tables.base import Fact, table_of
from schema.vocabulary import Certainty

TODAY = date(2026, 11, 21)


@pytest.fixture
def facts_engine(facts_database):
    engine = facts_database.engine()
    yield engine
    engine.dispose()


def made(seed, scale):
    return [(row.__tablename__, list(rows)) for row, rows in generate(seed=seed, scale=scale)]


def ask(engine, query):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_the_same_seed_makes_the_same_rows_ids_included():
    assert made(7, 2000) == made(7, 2000)


def test_another_seed_makes_other_rows():
    one, other = made(7, 500), made(8, 500)
    ids = [{row["id"] for _, rows in world for row in rows if "id" in row} for world in (one, other)]
    assert not ids[0] & ids[1]


def test_ids_are_of_version_four_and_never_twice():
    ids = [row["id"] for _, rows in made(1, 5000) for row in rows if "id" in row]
    assert len(set(ids)) == len(ids)
    assert {id_.version for id_ in ids} == {4}
    assert all(isinstance(id_, UUID) for id_ in ids)


@pytest.mark.parametrize("scale", [100, 1000, 20_000])
def test_the_scale_is_about_kept(scale):
    count = sum(len(rows) for _, rows in made(3, scale))
    assert scale * 0.7 < count < scale * 1.6


def test_everything_made_up_says_so():
    for table, rows in made(5, 6000):
        for row in rows:
            if "certainty" in row:
                assert (row["certainty"], row["sources"]) == (Certainty.SYNTHETIC, ["SYN"]), table
            for shown in ("name", "title"):
                assert shown not in row or "(made up)" in row[shown], row
            assert row.get("slug", "syn-").startswith("syn-")


def test_every_table_of_facts_has_made_up_rows():
    filled = {table for table, rows in made(5, 6000) if rows}
    rows = [getattr(schema.tables, name) for name in schema.tables.__all__]
    facts = {row.__tablename__ for row in rows if issubclass(row, Fact)}
    assert facts - filled == {"official_total", "figure"}


def test_a_made_up_network_holds_in_the_database(database, engine):
    written = populate(database.conninfo, seed=2, scale=3000)
    for table, count in written.items():
        assert ask(engine, f"select count(*) from {table}") == [(count,)]
    keys = "select name_key from city union all select title_key from work union all select name_key from resident"
    assert ask(engine, f"select * from ({keys}) k where name_key is null or name_key ~ '[A-Z]'") == []
    shared = "select coordinator_id from coordinator_city group by 1 having count(*) > 1"
    assert ask(engine, shared) != []


def test_what_was_copied_reads_back_as_it_was_made(database, engine):
    populate(database.conninfo, seed=2, scale=300)
    for row, rows in generate(seed=2, scale=300):
        key = table_of(row).primary_key.columns.keys()
        with engine.connect() as connection:
            kept = {tuple(r[k] for k in key): r for r in connection.execute(table_of(row).select()).mappings()}
        for values in rows:
            stored = kept[tuple(values[k] for k in key)]
            assert {name: stored[name] for name in values} == values


def test_a_network_that_is_there_already_is_rejected_whole(database, engine):
    populate(database.conninfo, seed=2, scale=300)
    before = ask(engine, "select count(*) from city")
    with pytest.raises(DataRejected):
        populate(database.conninfo, seed=2, scale=300)
    assert ask(engine, "select count(*) from city") == before


def test_progress_tells_of_every_row(database):
    told = defaultdict(int)

    def progress(table, count):
        told[table] += count

    written = populate(database.conninfo, seed=2, scale=300, progress=progress)
    assert {table: count for table, count in told.items() if count} == {t: c for t, c in written.items() if c}


def test_decoration_leaves_members_and_bodies_as_they_are(facts_engine):
    def real(table):
        return sorted(map(repr, ask(facts_engine, f"select * from {table}")))

    before = {table: real(table) for table in ("city", "organisation", "membership", "event", "official_total")}
    written = decorate(facts_engine, seed=1, today=TODAY)
    assert {table: real(table) for table in before} == before
    assert ask(facts_engine, "select count(*) from city where status = 'member'") == [(90,)]
    assert all(
        written[table] > 0
        for table in ("coordinator", "place", "resident", "work", "agreement", "partner_opening", "statistic_cell")
    )


def test_every_member_has_a_coordinator_and_a_place_after_decoration(facts_engine):
    decorate(facts_engine, seed=1, today=TODAY)
    for table in ("coordinator_city", "place"):
        query = f"""select slug from city c where (status = 'member')
            <> exists (select from {table} t where t.city_id = c.id)"""
        assert ask(facts_engine, query) == []


def test_neighbours_share_a_coordinator(facts_engine):
    decorate(facts_engine, seed=1, today=TODAY)
    shared = ask(
        facts_engine,
        """select string_agg(c.slug, ' ' order by c.slug) from coordinator_city cc join city c on c.id = cc.city_id
           group by coordinator_id having count(*) > 1""",
    )
    assert ("no-faerder no-tonsberg",) in shared


def test_decorating_twice_adds_nothing_and_with_another_seed_is_rejected(facts_engine):
    decorate(facts_engine, seed=1, today=TODAY)
    assert set(decorate(facts_engine, seed=1, today=TODAY).values()) == {0}
    with pytest.raises(DataRejected, match="another seed"):
        decorate(facts_engine, seed=2, today=TODAY)


def test_there_must_be_members_to_decorate(engine):
    with pytest.raises(DataRejected, match="import the facts first"):
        decorate(engine, seed=1, today=TODAY)


def test_made_up_people_cannot_be_written_to(facts_engine):
    decorate(facts_engine, seed=1, today=TODAY)
    assert ask(facts_engine, "select email from coordinator where email not like '%@example.org'") == []


@given(st.lists(st.integers(0, 40), max_size=12))
def test_no_suppressed_cell_can_be_worked_out_from_the_total(counts):
    shown = suppress(counts)
    hidden = [count for count, cell in zip(counts, shown, strict=True) if cell is None]
    assert all(cell is None or cell >= LEAST for cell in shown)
    assert all(cell is None or cell == count for cell, count in zip(shown, counts, strict=True))
    if hidden and len(hidden) < len(counts):
        assert len(hidden) > 1
        assert sum(hidden) >= LEAST


def test_cells_are_null_exactly_where_suppressed_and_never_small():
    made = list(cells(Chance(1, "test"), range(2016, 2026), ["NO", "SE", "DK", "FR", "IS", "LT"]))
    assert all((cell["count"] is None) == cell["suppressed"] for cell in made)
    assert all(cell["count"] is None or cell["count"] >= LEAST for cell in made)
    assert any(cell["suppressed"] for cell in made)


def test_no_cell_crosses_origin_with_host():
    made = list(cells(Chance(1, "test"), range(2020, 2026), ["NO", "SE"]))
    assert not [cell for cell in made if cell["origin_region"] and cell["host_country"]]


def test_a_chance_of_another_name_is_another_chance():
    assert Chance(1, "place").uuid() != Chance(1, "work").uuid()


def test_made_up_rows_name_no_column_that_is_not_there():
    for row, rows in generate(seed=1, scale=300):
        assert issubclass(row, SQLModel)
        for values in rows:
            assert set(values) <= set(columns(row).keys())


async def test_the_reading_door_reads_what_was_populated(database, reader):
    with psycopg.connect(database.conninfo) as connection:
        assert connection.execute("select count(*) from city").fetchone() == (0,)
    populate(database.conninfo, seed=1, scale=300)
    assert int(await reader.fetch_text("select count(*)::text from city")) > 0
