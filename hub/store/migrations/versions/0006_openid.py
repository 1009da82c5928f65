"""Accounts of people who sign in by an OpenID provider too.

Revision: 0006, after 0005. Hubs of before go on with it: the column may be null, and they do not name it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("openid_subject", sa.Text(), nullable=True))
    op.create_unique_constraint("account_openid_subject_key", "account", ["openid_subject"])
