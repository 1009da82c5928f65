"""The authorization server: clients, grants, signing keys, what was used up, and denials.

Revision: 0002, after 0001. The reader's right to the secret tables is taken away in the same transaction, by
`hub.store.migrate`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CODE = sa.String(40)
CODES = ARRAY(CODE)
TEXTS = ARRAY(sa.Text())
DIGEST = sa.LargeBinary(32)


def moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("organisation_id", sa.Uuid()),
        sa.Column("relation", CODE),
        sa.Column("scopes", CODES, nullable=False),
        sa.Column("purposes", CODES, nullable=False),
        sa.Column("redirect_uris", TEXTS, nullable=False),
        sa.Column("jwks", JSONB()),
        sa.Column("jwks_uri", sa.String()),
        sa.Column("resource", sa.String()),
        sa.Column("first_party", sa.Boolean(), nullable=False),
        sa.Column("legacy_audience", sa.Boolean(), nullable=False),
        sa.Column("rotates_refresh", sa.Boolean(), nullable=False),
        sa.Column("needs_nonce", sa.Boolean(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        moment("created_at"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("resource"),
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("public_jwk", JSONB(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        moment("created_at"),
        moment("signs_from"),
        moment("verifies_until", null=True),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_table(
        "denial",
        sa.Column("subject", sa.String(), nullable=False),
        moment("before"),
        moment("expires_at"),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "token_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", CODES, nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("jkt", sa.String()),
        sa.Column("amr", TEXTS, nullable=False),
        moment("auth_time", null=True),
        moment("created_at"),
        moment("expires_at"),
        moment("revoked_at", null=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_token_grant_client_id", "token_grant", ["client_id"])
    op.create_index("token_grant_by_end", "token_grant", ["expires_at"])
    op.create_table(
        "authorization_code",
        sa.Column("hash", DIGEST, nullable=False),
        sa.Column("gid", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("code_challenge", sa.String(), nullable=False),
        moment("expires_at"),
        moment("used_at", null=True),
        sa.ForeignKeyConstraint(["gid"], ["token_grant.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("authorization_code_by_end", "authorization_code", ["expires_at"])
    op.create_table(
        "refresh_token",
        sa.Column("hash", DIGEST, nullable=False),
        sa.Column("gid", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        moment("created_at"),
        moment("expires_at"),
        moment("used_at", null=True),
        sa.ForeignKeyConstraint(["gid"], ["token_grant.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("ix_refresh_token_gid", "refresh_token", ["gid"])
    op.create_index("refresh_token_by_end", "refresh_token", ["expires_at"])
    op.create_table(
        "pushed_request",
        sa.Column("hash", DIGEST, nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("parameters", JSONB(), nullable=False),
        sa.Column("jkt", sa.String()),
        moment("expires_at"),
        moment("taken_at", null=True),
        sa.Column("ticket", sa.LargeBinary()),
        sa.Column("browser", sa.LargeBinary()),
        moment("decided_at", null=True),
        sa.PrimaryKeyConstraint("hash"),
        sa.UniqueConstraint("ticket"),
    )
    op.create_index("pushed_request_by_end", "pushed_request", ["expires_at"])
    op.create_table(
        "used_assertion",
        sa.Column("hash", DIGEST, nullable=False),
        moment("expires_at"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("used_assertion_by_end", "used_assertion", ["expires_at"])
    op.create_table(
        "used_proof",
        sa.Column("hash", DIGEST, nullable=False),
        moment("expires_at"),
        sa.PrimaryKeyConstraint("hash"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("used_proof_by_end", "used_proof", ["expires_at"])
