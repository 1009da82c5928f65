"""What a host must know of a person is sealed, as all else is that may name somebody.

Revision: 0012, after 0011. What stands in the plain columns is sealed under the key of its person and the columns go,
with the pages that held them; of a person whose key was destroyed nothing is left. No release had these columns.
"""

import json

import sqlalchemy as sa
from alembic import context, op

from hub.store.sealed import Place, WrappedKey

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = (
    ("case_risk", "case_advice", "case_id", "case_file.id"),
    ("packet_copy", "packet_advice", "packet_id", "packet_copy.id"),
)
WRITTEN = {
    "case_risk": "select case_id as id, subject_id, security_advice from case_risk where security_advice is not null",
    "packet_copy": "select id, person_id as subject_id, security_advice from packet_copy"
    " where security_advice is not null",
}
KEY = sa.text("select kek_version, wrapped from subject_key where subject_id = :subject and wrapped is not null")


def upgrade() -> None:
    for before, after, key, owner in TABLES:
        op.create_table(
            after,
            sa.Column(key, sa.Uuid(), sa.ForeignKey(owner, ondelete="CASCADE"), primary_key=True),
            sa.Column("subject_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("sealed", sa.LargeBinary(), nullable=False),
        )
        op.create_index(f"ix_{after}_subject_id", after, ["subject_id"])
        move(before, after, key)
        op.drop_column(before, "security_advice")
        # A dropped column stays in the rows that had it; writing the table anew takes it out of them.
        op.execute(f"cluster {before} using {before}_pkey")
        op.execute(f"alter table {before} set without cluster")


def move(before: str, after: str, key: str) -> None:
    """Seal what was plain."""
    connection = op.get_bind()
    rows = connection.execute(sa.text(WRITTEN[before])).all()
    if not rows:
        return
    root = context.config.attributes["sealing"]
    if root is None:
        raise RuntimeError("security advice is to be sealed, and there is no root key to seal it under")
    sealing = root()
    table = sa.table(after, *(sa.column(name) for name in (key, "subject_id", "version", "sealed")))
    for row in rows:
        found = connection.execute(KEY, {"subject": row.subject_id}).one_or_none()
        if found is None:
            continue
        wrapped = WrappedKey(row.subject_id, found.kek_version, bytes(found.wrapped))
        content = json.dumps({"security_advice": row.security_advice}, ensure_ascii=False, separators=(",", ":"))
        place = Place(after, "sealed", row.id, 1, row.subject_id)
        sealed = sealing.seal(content.encode(), wrapped, place)
        values = {key: row.id, "subject_id": row.subject_id, "version": 1, "sealed": sealed}
        connection.execute(sa.insert(table).values(values))


def downgrade() -> None:
    # Back to plain text nothing goes.
    for before, after, *_ in TABLES:
        op.add_column(before, sa.Column("security_advice", sa.Text()))
        op.drop_table(after)
