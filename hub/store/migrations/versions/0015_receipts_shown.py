"""What a receipt is for, beside its words, so that the graph can show it; certificates of deletion have none of both.

Revision: 0015, after 0014. The reading door may read receipts from now on.
"""

import base64
import json

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipt", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("receipt", sa.Column("digest", sa.LargeBinary(), nullable=True))
    receipt = sa.table(
        "receipt",
        *(sa.column(name) for name in ("id", "verbatim", "version")),
        sa.column("digest", sa.LargeBinary()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(receipt.c.id, receipt.c.verbatim)).all():
        claims = _decoded(row.verbatim.split(".")[1])
        if "digest" in claims:
            values = {"version": claims["version"], "digest": _raw(claims["digest"])}
            connection.execute(sa.update(receipt).where(receipt.c.id == row.id).values(values))


def downgrade() -> None:
    op.drop_column("receipt", "digest")
    op.drop_column("receipt", "version")


def _decoded(part: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(_raw(part))
    return found


def _raw(text: object) -> bytes:
    return base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))
