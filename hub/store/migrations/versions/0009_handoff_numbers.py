"""What both sides of a referral told each other, by number; its time for an answer, its reminder, how it ended.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CODE = sa.String(40)
TIME = sa.DateTime(timezone=True)
MOMENTS = ("remind_at", "answer_by", "left_at", "stopped_at")
NUMBERS = ("wire_number", "wire_seen")


def upgrade() -> None:
    for name in MOMENTS:
        op.add_column("referral", sa.Column(name, TIME))
    for name in NUMBERS:
        op.add_column("referral", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        op.alter_column("referral", name, server_default=None)
    op.add_column("referral", sa.Column("closing_reason", CODE))
    op.add_column("referral", sa.Column("feedback", CODE))
    op.create_index(
        "referral_by_reminder", "referral", ["remind_at"], postgresql_where=sa.text("remind_at is not null")
    )
    op.add_column("referral_event", sa.Column("wire_number", sa.Integer()))
    op.add_column("referral_event", sa.Column("told", sa.LargeBinary()))
    op.add_column("inbox_message", sa.Column("number", sa.Integer()))
    op.create_unique_constraint("inbox_message_number", "inbox_message", ["referral_id", "number"])


def downgrade() -> None:
    op.drop_constraint("inbox_message_number", "inbox_message")
    op.drop_column("inbox_message", "number")
    for name in ("told", "wire_number"):
        op.drop_column("referral_event", name)
    op.drop_index("referral_by_reminder", "referral")
    for name in ("feedback", "closing_reason", *NUMBERS, *MOMENTS):
        op.drop_column("referral", name)
