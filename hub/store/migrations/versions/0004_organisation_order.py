"""Orders of organisations each have an index.

Revision: 0004, after 0003.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("organisation_by_name", "organisation", ["name_key", "id"])
    op.create_index("organisation_by_country", "organisation", ["country", "name_key", "id"])
