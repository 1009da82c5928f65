"""Where a person is, what a host must provide, who would travel, the outcome of an assessment: sealed, by category.

Revision: 0013, after 0012. Tables of cases and of packets; beside a packet stands in plain how its person may be
reached, as it does beside the person. And where recorded facts come from.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CODE = sa.String(40)
CATEGORIES = ("location", "health", "family", "assessment")


def upgrade() -> None:
    for name in CATEGORIES:
        case = sa.ForeignKey("case_file.id", ondelete="CASCADE")
        sealed(f"case_{name}", sa.Column("case_id", sa.Uuid(), case, primary_key=True))
        packet = sa.ForeignKey("packet_copy.id", ondelete="CASCADE")
        sealed(f"packet_{name}", sa.Column("packet_id", sa.Uuid(), packet, primary_key=True))
    op.create_table(
        "recorded_fact",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("case_id", sa.Uuid(), sa.ForeignKey("case_file.id", ondelete="CASCADE"), nullable=False),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("category", CODE, nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("source", CODE, nullable=False),
        sa.Column("as_of", sa.String(), nullable=False),
        sa.Column("confidence", CODE, nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.CheckConstraint(r"as_of ~ '^\d{4}(-\d\d(-\d\d)?)?$'", name="as_of_edtf"),
    )
    op.create_index("ix_recorded_fact_person_id", "recorded_fact", ["person_id"])
    op.create_index("recorded_fact_by_field", "recorded_fact", ["case_id", "field", "recorded_at"])
    op.add_column("packet_copy", sa.Column("contact_rule", CODE))


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
    op.drop_column("packet_copy", "contact_rule")
    op.drop_table("recorded_fact")
    for name in reversed(CATEGORIES):
        op.drop_table(f"packet_{name}")
        op.drop_table(f"case_{name}")
