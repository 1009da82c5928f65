"""How a person is reached; and what packets hold, sealed category by category, so that it can be read by the rules.

Revision: 0010, after 0009. Packets of before stay as they are, word for word; they have no copy to be read.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CODE = sa.String(40)
FROZEN = ("packet_identity", "packet_contact", "packet_risk")


def upgrade() -> None:
    case = sa.ForeignKey("case_file.id", ondelete="CASCADE")
    sealed("case_contact", sa.Column("case_id", sa.Uuid(), case, primary_key=True))
    op.create_table(
        "packet_copy",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id"), nullable=False, unique=True),
        sa.Column("case_id", sa.Uuid(), sa.ForeignKey("case_file.id"), nullable=False),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("holder_id", sa.Uuid(), sa.ForeignKey("organisation.id")),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("categories", ARRAY(CODE), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disciplines", ARRAY(CODE), nullable=False),
        sa.Column("origin_region", CODE),
        sa.Column("languages", ARRAY(sa.Text()), nullable=False),
        sa.Column("household_size", sa.Integer()),
        sa.Column("support", ARRAY(CODE), nullable=False),
        sa.Column("urgency", CODE),
        sa.Column("security_advice", sa.Text()),
    )
    for name in ("case_id", "person_id"):
        op.create_index(f"ix_packet_copy_{name}", "packet_copy", [name])
    for name in FROZEN:
        copy = sa.ForeignKey("packet_copy.id", ondelete="CASCADE")
        sealed(name, sa.Column("packet_id", sa.Uuid(), copy, primary_key=True))


def sealed(name: str, key: sa.Column[object]) -> None:
    """Make a table of envelopes."""
    op.create_table(
        name,
        key,
        sa.Column("subject_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_index(f"ix_{name}_subject_id", name, ["subject_id"])


def downgrade() -> None:
    for name in (*FROZEN, "packet_copy", "case_contact"):
        op.drop_table(name)
