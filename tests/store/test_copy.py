from datetime import date
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.store.copy import copy_rows
from schema.vocabulary import Discipline

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)))
ROWS = st.fixed_dictionaries(
    {
        "a": st.none() | TEXT,
        "b": st.lists(st.none() | TEXT),
        "c": st.none() | st.integers(-(2**31), 2**31 - 1),
        "d": st.booleans(),
        "e": st.uuids(),
        "f": st.dates(min_value=date(1, 1, 1)),
        "g": st.floats(allow_nan=False, allow_infinity=False),
        "h": st.sampled_from(Discipline),
        "i": st.lists(st.sampled_from(Discipline)),
    }
)


@pytest.fixture
def connection(database):
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(
            "create table kept (n serial, a text, b text[], c int, d bool, e uuid, f date, g float8, h text, i text[])"
        )
        yield connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, min_size=1, max_size=5))
def test_whatever_is_copied_reads_back_the_same(connection, rows):
    connection.execute("truncate kept")
    assert copy_rows(connection, "kept", "abcdefghi", rows) == len(rows)
    kept = connection.execute("select a, b, c, d, e, f, g, h, i from kept order by n").fetchall()
    assert kept == [tuple(row[name] for name in "abcdefghi") for row in rows]


def test_a_name_a_row_lacks_becomes_null(connection):
    copy_rows(connection, "kept", ["a", "c"], [{"a": "x"}])
    assert connection.execute("select a, c from kept").fetchall() == [("x", None)]


def test_a_value_without_a_text_form_is_a_bug(connection):
    with pytest.raises(TypeError, match="no text form for dict"):
        copy_rows(connection, "kept", ["a"], [{"a": {}}])
    assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_progress_sums_to_what_was_written(connection):
    told = []
    rows = ({"a": "x" * 100, "e": UUID(int=n)} for n in range(9000))
    assert copy_rows(connection, "kept", ["a", "e"], rows, progress=told.append) == 9000
    assert sum(told) == 9000
    assert len(told) > 2
