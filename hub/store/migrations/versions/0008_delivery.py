"""Partner networks, the hub's keys for handoffs, and the queue that wakes workers.

Revision: 0008, after 0007. The queue is Procrastinate's own schema of version 3.10, word for word, in the database
schema `jobs`: nothing of it is in the way of the hub's tables, and the reading door has no right to it. Its functions
name its tables without saying where they are, so each is told where to look. A later version of Procrastinate brings
migrations of its own, which one of ours must run; `tests/delivery/test_queue.py` tells when.
"""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
LOOK = """
do $$ declare f regprocedure; begin
    for f in select oid from pg_proc where pronamespace = 'jobs'::regnamespace and prokind = 'f' loop
        execute 'alter function ' || f || ' set search_path = jobs, pg_catalog, pg_temp';
    end loop;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "partner",
        sa.Column("organisation_id", sa.Uuid(), sa.ForeignKey("organisation.id"), primary_key=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False, unique=True),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("jwks_uri", sa.String(), nullable=False),
        sa.Column("pins", ARRAY(sa.Text()), nullable=False),
        sa.Column("capabilities", ARRAY(sa.Text())),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )
    op.create_table(
        "handoff_key",
        sa.Column("kid", sa.String(), primary_key=True),
        sa.Column("use", sa.String(40), nullable=False),
        sa.Column("public_jwk", JSONB(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("retired_at", TIME),
    )
    queue()


def queue() -> None:
    """Make the queue. Its text goes to the driver as it stands: it holds many statements, and percent signs."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor:
        cursor.execute("create schema jobs")
        before = cursor.execute("show search_path").fetchone()
        cursor.execute("select set_config('search_path', 'jobs', true)")
        cursor.execute(SchemaManager.get_schema().encode())
        cursor.execute(LOOK)
        cursor.execute("select set_config('search_path', %s, true)", before)
