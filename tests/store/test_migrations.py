import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.resources import files
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from databases import cloned
from sqlalchemy import Engine, inspect
from sqlmodel import SQLModel

import schema.tables
from hub.store import Database, upgrade
from hub.store.embedded import SUPERUSER
from hub.store.migrate import newest, revision
from hub.store.sealed import Sealing
from hub.store.secrets import appended_tables, secret_tables
from hub.store.vault import Vault
from schema.tables import CaseAdviceRow


def test_from_empty_to_head_equals_the_tables(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_every_check_of_the_tables_is_in_the_database_under_its_name(engine):
    kept = inspect(engine)
    for table in SQLModel.metadata.sorted_tables:
        names = {c.name for c in table.constraints if type(c).__name__ == "CheckConstraint" and c.name}
        assert names == {check["name"] for check in kept.get_check_constraints(table.name)}, table.name


def test_sorting_columns_are_collated_by_code_point_in_the_database(engine):
    query = "select collation_name from information_schema.columns where table_name = %s and column_name = %s"
    with engine.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            for column in table.columns:
                if getattr(column.type, "collation", None) == "C":
                    assert connection.exec_driver_sql(query, (table.name, column.name)).scalar() == "C", column


def test_every_row_class_has_its_table(engine):
    names = {getattr(schema.tables, name).__tablename__ for name in schema.tables.__all__}
    assert names <= set(inspect(engine).get_table_names())


def test_upgrading_twice_changes_nothing(engine):
    with engine.connect() as connection:
        assert revision(connection) == newest()
    upgrade(engine)
    with engine.connect() as connection:
        assert revision(connection) == newest()


def test_the_reader_may_read_tables_of_migrations_to_come(server):
    with cloned(server) as database:
        engine = database.engine()
        upgrade(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("create table to_come (a int)")
            for table in inspect(connection).get_table_names():
                query = f"select has_table_privilege('hub_reader', '{table}', 'select')"
                assert connection.exec_driver_sql(query).scalar() is (table not in secret_tables()), table
                for right in ("insert", "update", "delete", "truncate"):
                    query = f"select has_table_privilege('hub_reader', '{table}', '{right}')"
                    may = right == "insert" and table in appended_tables()
                    assert connection.exec_driver_sql(query).scalar() is may, (table, right)
        engine.dispose()


# ---- Advice that was plain -------------------------------------------------------------------------------------------

ADVICE = "Planted Advice: never ring at the Planted house"


def sealing() -> Sealing:
    return Sealing(lambda label: sha256(b"root of the tests" + label.encode()).digest())


def as_of(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        configuration = Config()
        configuration.set_main_option("script_location", str(files("hub.store") / "migrations"))
        configuration.set_main_option("path_separator", "os")
        configuration.attributes |= {"connection": connection, "sealing": None}
        command.upgrade(configuration, revision)


def advised(engine: Engine, *, erased: bool = False) -> tuple[str, str]:
    """Write a case with plain advice as the revision before kept it; give case and person."""
    case, person = uuid4(), uuid4()
    with engine.begin() as connection:
        execute = connection.exec_driver_sql
        execute(
            "insert into person (id, contact_rule, blocked_organisations, blocked_cities, frozen, synthetic)"
            " values (%s, 'never', '{}', '{}', false, true)",
            (person,),
        )
        execute(
            "insert into case_file (id, person_id, code, state, opened_on, disciplines, languages, support)"
            " values (%s, %s, %s, 'open', '2026-01-01', '{}', '{}', '{}')",
            (case, person, str(case)),
        )
        key = sealing().new_key(person, 1)
        execute(
            "insert into subject_key (subject_id, kek_version, wrapped, created_at, destroyed_at)"
            " values (%s, 1, %s, now(), case when %s then now() end)",
            (person, None if erased else key.wrapped, erased),
        )
        execute(
            "insert into case_risk (case_id, subject_id, version, sealed, security_advice) values (%s, %s, 1, '', %s)",
            (case, person, ADVICE),
        )
    return case, person


def files_of(database: Database) -> bytes:
    """Read what lies on the disk of the tables that held it."""
    url = database.url.set(username=SUPERUSER, drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("checkpoint")
        read = "select pg_read_binary_file(pg_relation_filepath(%s))"
        tables = ("case_risk", "packet_copy", "case_advice")
        return b"".join(connection.execute(read, (table,)).fetchone()[0] for table in tables)


def test_advice_that_was_plain_is_sealed_and_gone_from_the_pages(server):
    with cloned(server) as database:
        engine = database.engine()
        as_of(engine, "0011")
        (case, person), (erased, _) = advised(engine), advised(engine, erased=True)
        upgrade(engine, sealing)
        with engine.begin() as connection:
            vault = Vault(sealing())
            assert vault.read(connection, CaseAdviceRow, case) == {"security_advice": ADVICE}
            assert vault.read(connection, CaseAdviceRow, erased) is None
            vault.destroy_key(connection, person, connection.exec_driver_sql("select now()").scalar_one())
        assert b"Planted" not in files_of(database)
        engine.dispose()


def test_plain_advice_stops_the_migration_where_there_is_no_root_key(server):
    with cloned(server) as database:
        engine = database.engine()
        as_of(engine, "0011")
        advised(engine)
        with pytest.raises(RuntimeError, match="no root key"):
            upgrade(engine)
        with engine.connect() as connection:
            assert revision(connection) == "0011"
            assert connection.exec_driver_sql("select security_advice from case_risk").scalar_one() == ADVICE
        engine.dispose()


# ---- Receipts that did not tell what they are for --------------------------------------------------------------------


def test_receipts_of_before_tell_what_they_are_for(server):
    kept = {"receipt": {"version": 3, "digest": "A" * 43}, "certificate": {"stop": 3, "answer": "deleted"}}
    with cloned(server) as database:
        engine = database.engine()
        as_of(engine, "0014")
        with engine.begin() as connection:
            connection.exec_driver_sql("alter table receipt drop constraint receipt_referral_id_fkey")
            for name, claims in kept.items():
                token = f"{name}.{urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.signed"
                connection.exec_driver_sql(
                    "insert into receipt (id, referral_id, direction, verbatim, received_at)"
                    " values (gen_random_uuid(), gen_random_uuid(), 'outgoing', %s, now())",
                    (token,),
                )
        upgrade(engine, sealing)
        with engine.connect() as connection:
            found = connection.exec_driver_sql("select split_part(verbatim, '.', 1), version, digest from receipt")
            assert {(name, version, digest) for name, version, digest in found} == {
                ("receipt", 3, bytes(32)),
                ("certificate", None, None),
            }
        engine.dispose()
