"""Words said with an event of a referral, sealed each by itself, so that rules can read them; whose a public face is.

Revision: 0014, after 0013. Words of before stay sealed in their referral, as nobody can read them here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    event = sa.ForeignKey("referral_event.id", ondelete="CASCADE")
    op.create_table(
        "event_words",
        sa.Column("event_id", sa.Uuid(), event, primary_key=True),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_index(
        "event_words_once",
        "event_words",
        ["referral_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind in ('decline', 'withdrawal')"),
    )
    for name in ("referral_id", "subject_id"):
        op.create_index(f"ix_event_words_{name}", "event_words", [name])
    op.create_table(
        "person_face",
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "resident_id", sa.Uuid(), sa.ForeignKey("resident.id", ondelete="CASCADE"), nullable=False, unique=True
        ),
    )


def downgrade() -> None:
    op.drop_table("person_face")
    op.drop_table("event_words")
