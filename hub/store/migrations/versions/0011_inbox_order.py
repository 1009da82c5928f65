"""Inboxes and outboxes in the order of their clocks, those without one last: as the graph orders and pages them.

Revision: 0011, after 0010. The release before finds its rows by the same indexes, and sorts them as it always did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BY_CLOCK = sa.text("coalesce(due_at, 'infinity'::timestamptz)")
SENT = sa.text("sent_at is not null")


def upgrade() -> None:
    put(BY_CLOCK)


def downgrade() -> None:
    put("due_at")


def put(clock: sa.TextClause | str) -> None:
    """Make both indexes anew over what the clock is sorted by."""
    op.drop_index("referral_inbox", "referral")
    op.drop_index("referral_outbox", "referral")
    op.create_index("referral_inbox", "referral", ["recipient_id", clock, "id"], postgresql_where=SENT)
    op.create_index("referral_outbox", "referral", ["sender_id", clock, "id"])
