from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from databases import cloned
from sqlalchemy import inspect
from sqlmodel import SQLModel

import schema.tables
from hub.store import upgrade
from hub.store.migrate import newest, revision
from hub.store.secrets import appended_tables, secret_tables


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
