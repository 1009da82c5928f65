"""Idempotency keys of changes.

Revision: 0007, after 0006. The reader's right to the table is taken away in the same transaction, by
`hub.store.migrate`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change_key",
        sa.Column("client", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", JSONB()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("change_key_by_time", "change_key", ["at"])
