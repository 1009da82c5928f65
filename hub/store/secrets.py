"""Which tables the reading door must not see: those marked `SECRET`, and no others; and the one it may add to.

The reader is granted every table of the hub, those of later migrations too, so what is secret is taken away again: in
the transaction of each migration, and in the one of each start that grants. To a table marked as appended it may add
rows, which it can neither change nor take back: who read what is written by the statement that reads.
"""

from sqlmodel import SQLModel

import schema.tables  # noqa: F401  # fills the metadata


def secret_tables() -> tuple[str, ...]:
    """Name the secret tables."""
    return tuple(sorted(table.name for table in SQLModel.metadata.tables.values() if table.info.get("secret")))


def appended_tables() -> tuple[str, ...]:
    """Name the tables the reading door may add to."""
    return tuple(sorted(table.name for table in SQLModel.metadata.tables.values() if table.info.get("appended")))


def closing(reader: str) -> str:
    """Write the statement that takes the secret tables away from the reader; it minds neither missing role nor table.

    The same statement lets the reader add to the appended tables.

    Args:
        reader: name of the role, a word of our own.
    """
    names = ", ".join(f"'{name}'" for name in secret_tables())
    appended = ", ".join(f"'{name}'" for name in appended_tables())
    return f"""
        do $$ declare secret text; appended text; begin
            if exists (select from pg_roles where rolname = '{reader}') then
                foreach secret in array array[{names}]::text[] loop
                    if to_regclass('public.' || secret) is not null then
                        execute 'revoke all on public.' || secret || ' from {reader}, public';
                    end if;
                end loop;
                foreach appended in array array[{appended}]::text[] loop
                    if to_regclass('public.' || appended) is not null then
                        execute 'grant insert on public.' || appended || ' to {reader}';
                    end if;
                end loop;
            end if;
        end $$
    """  # noqa: S608  # names of our own tables and role
