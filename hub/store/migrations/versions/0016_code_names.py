"""The code name of a case is another one for every body, made from its id: it lies in no table any more.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("case_file", "code")


def downgrade() -> None:
    op.add_column("case_file", sa.Column("code", sa.String(), nullable=True))
    op.execute("update case_file set code = id::text")
    op.alter_column("case_file", "code", nullable=False)
    op.create_unique_constraint("case_file_code_key", "case_file", ["code"])
