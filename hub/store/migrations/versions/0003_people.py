"""People: accounts, what they sign in with, and their sessions.

Revision: 0003, after 0002. The reader's right to the secret tables is taken away in the same transaction, by
`hub.store.migrate`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CODE = sa.String(40)
SORTED = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)
ARRAY_OF_TEXTS = ARRAY(sa.Text())


def identity() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), primary_key=True)


def identity_of_account() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)


def account_id(*, null: bool = False) -> sa.Column[object]:
    key = sa.ForeignKey("account.id", ondelete="CASCADE")
    return sa.Column("account_id", sa.Uuid(), key, nullable=null, index=True)


def digest(name: str = "digest", *, unique: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary(), nullable=False, unique=unique or None)


def time(name: str, *, null: bool = False, index: bool = False) -> sa.Column[object]:
    return sa.Column(name, TIME, nullable=null, index=index)


def upgrade() -> None:
    op.create_table(
        "account",
        identity(),
        sa.Column("login", SORTED, nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("relation", CODE, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), sa.ForeignKey("organisation.id")),
        sa.Column("city_id", sa.Uuid(), sa.ForeignKey("city.id")),
        sa.Column("status", CODE, nullable=False),
        sa.Column("scopes", ARRAY(CODE), nullable=False),
        time("created_at"),
        time("last_sign_in_at", null=True),
        sa.CheckConstraint(r"login ~ '^[a-z0-9][a-z0-9._@-]{1,62}$'", name="login_plain"),
    )
    op.create_table(
        "passkey",
        identity(),
        account_id(),
        digest("credential_id"),
        digest("public_key", unique=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("transports", ARRAY_OF_TEXTS, nullable=False),
        time("created_at"),
        time("last_used_at", null=True),
    )
    op.create_table(
        "account_secret",
        identity_of_account(),
        sa.Column("password_hash", sa.Text()),
        sa.Column("totp_seed", sa.LargeBinary()),
        sa.Column("totp_step", sa.Integer()),
        sa.Column("totp_seed_new", sa.LargeBinary()),
    )
    op.create_table("recovery_code", identity(), account_id(), digest())
    op.create_table("enrolment", identity_of_account(), digest(), time("expires_at"))
    op.create_table(
        "web_session",
        identity(),
        account_id(),
        digest(),
        sa.Column("stage", CODE, nullable=False),
        sa.Column("amr", ARRAY_OF_TEXTS, nullable=False),
        time("created_at"),
        time("seen_at"),
    )
    op.create_table(
        "challenge",
        identity(),
        digest(),
        digest("binding", unique=False),
        sa.Column("ceremony", CODE, nullable=False),
        time("expires_at", index=True),
    )
    op.create_table(
        "sign_in_attempt",
        identity(),
        digest("binding"),
        account_id(null=True),
        sa.Column("password_right", sa.Boolean(), nullable=False),
        time("expires_at", index=True),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        time("free_at"),
        time("touched_at"),
        sa.Index("throttle_by_time", "touched_at"),
    )
