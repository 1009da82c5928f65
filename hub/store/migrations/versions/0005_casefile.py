"""Persons and cases: sealed categories, the keys they are sealed under, consents, referrals and their delivery, audit.

Revision: 0005, after 0004. The reader's rights to secret tables are taken away, and its right to add leaves given, in
the same transaction by `hub.store.migrate`.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CODE = sa.String(40)
CODES = ARRAY(CODE)
TIME = sa.DateTime(timezone=True)
RUNNING = "state in ('given', 'limited') and withdrawn_at is null"
WAITING = "state = 'waiting'"


def upgrade() -> None:
    op.create_table(
        "audit_leaf",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("relation", CODE, nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("organisation_id", sa.Uuid()),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("purpose", CODE),
        sa.Column("subjects", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("categories", CODES, nullable=False),
        sa.Column("fields_returned", ARRAY(sa.Text()), nullable=False),
        sa.Column("fields_withheld", ARRAY(sa.Text()), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("operation_hash", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), unique=True),
    )
    op.create_index("audit_leaf_by_body", "audit_leaf", ["organisation_id", "at", "id"])
    op.create_index("audit_leaf_by_subject", "audit_leaf", ["subjects"], postgresql_using="gin")
    op.create_index("audit_leaf_by_time", "audit_leaf", ["at", "id"])
    op.create_table(
        "subject_key",
        sa.Column("subject_id", sa.Uuid(), primary_key=True),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("destroyed_at", TIME),
        sa.CheckConstraint("(wrapped is null) = (destroyed_at is not null)", name="destroyed_is_gone"),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id"), unique=True),
        sa.Column("contact_rule", CODE, nullable=False),
        sa.Column("blocked_organisations", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("blocked_cities", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "case_file",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("holder_id", sa.Uuid(), sa.ForeignKey("organisation.id")),
        sa.Column("code", sa.String(), nullable=False, unique=True),
        sa.Column("state", CODE, nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("cover_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("disciplines", CODES, nullable=False),
        sa.Column("origin_region", CODE),
        sa.Column("languages", ARRAY(sa.Text()), nullable=False),
        sa.Column("household_size", sa.Integer()),
        sa.Column("support", CODES, nullable=False),
        sa.Column("urgency", CODE),
    )
    op.create_index("case_file_by_opening", "case_file", ["opened_on", "id"])
    op.create_index("ix_case_file_cover_id", "case_file", ["cover_id"])
    op.create_index("ix_case_file_holder_id", "case_file", ["holder_id"])
    op.create_index("ix_case_file_owner_id", "case_file", ["owner_id"])
    op.create_index("ix_case_file_person_id", "case_file", ["person_id"])
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("categories", CODES, nullable=False),
        sa.Column("purposes", CODES, nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("asked_at", TIME),
        sa.Column("wording_version", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("channel", CODE),
        sa.Column("basis", CODE),
        sa.Column("taken_by_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("by_contact_person", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", TIME),
        sa.Column("withdrawn_by", CODE),
        sa.Column("replaced_by_id", sa.Uuid(), sa.ForeignKey("consent.id")),
        sa.CheckConstraint("from_on <= until_on", name="ends_after_start"),
    )
    op.create_index("consent_by_end", "consent", ["until_on", "id"])
    op.create_index("consent_running", "consent", ["person_id", "recipient_id"], postgresql_where=sa.text(RUNNING))
    op.create_index("ix_consent_person_id", "consent", ["person_id"])
    op.create_index("ix_consent_recipient_id", "consent", ["recipient_id"])
    op.create_table(
        "case_identity",
        sa.Column("case_id", sa.Uuid(), sa.ForeignKey("case_file.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subject_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_case_identity_subject_id", "case_identity", ["subject_id"])
    op.create_table(
        "case_risk",
        sa.Column("case_id", sa.Uuid(), sa.ForeignKey("case_file.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subject_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("security_advice", sa.Text()),
    )
    op.create_index("ix_case_risk_subject_id", "case_risk", ["subject_id"])
    op.create_table(
        "referral",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("case_id", sa.Uuid(), sa.ForeignKey("case_file.id"), nullable=False),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("sender_id", sa.Uuid(), sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("direction", CODE, nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("purpose", CODE, nullable=False),
        sa.Column("urgency", CODE, nullable=False),
        sa.Column("categories", CODES, nullable=False),
        sa.Column("origin_region", CODE),
        sa.Column("languages", ARRAY(sa.Text()), nullable=False),
        sa.Column("consent_id", sa.Uuid(), sa.ForeignKey("consent.id")),
        sa.Column("parent_id", sa.Uuid(), sa.ForeignKey("referral.id")),
        sa.Column("rerouted_from_id", sa.Uuid(), sa.ForeignKey("referral.id")),
        sa.Column("reply_to", sa.String()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("clock", CODE),
        sa.Column("clock_side", CODE),
        sa.Column("due_at", TIME),
        sa.Column("paused_since", TIME),
        sa.Column("taken_by_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("decline_reason", CODE),
        sa.Column("recipient_reference", sa.String()),
        sa.Column("review_on", sa.Date()),
        sa.Column("words", sa.LargeBinary()),
        sa.CheckConstraint("sender_id <> recipient_id", name="two_bodies"),
    )
    op.create_index("ix_referral_person_id", "referral", ["person_id"])
    op.create_index("referral_by_case", "referral", ["case_id", "recipient_id"])
    op.create_index(
        "referral_by_clock",
        "referral",
        ["due_at"],
        postgresql_where=sa.text("due_at is not null and paused_since is null"),
    )
    op.create_index(
        "referral_inbox", "referral", ["recipient_id", "due_at", "id"], postgresql_where=sa.text("sent_at is not null")
    )
    op.create_index("referral_outbox", "referral", ["sender_id", "due_at", "id"])
    op.create_table(
        "inbox_message",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("issuer_id", sa.Uuid(), sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("jti", sa.String(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id")),
        sa.Column("received_at", TIME, nullable=False),
        sa.UniqueConstraint("issuer_id", "jti", name="inbox_message_once"),
    )
    op.create_index("ix_inbox_message_referral_id", "inbox_message", ["referral_id"])
    op.create_table(
        "packet",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id"), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("categories", CODES, nullable=False),
        sa.Column("pins", JSONB(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", TIME, nullable=False),
        sa.UniqueConstraint("referral_id", "version", name="packet_version"),
    )
    op.create_index("ix_packet_subject_id", "packet", ["subject_id"])
    op.create_table(
        "referral_event",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient_number", sa.Integer()),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("from_state", CODE),
        sa.Column("to_state", CODE, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("side", CODE),
        sa.Column("note", sa.Text()),
        sa.UniqueConstraint("referral_id", "number", name="referral_event_number"),
        sa.UniqueConstraint("referral_id", "recipient_number", name="referral_event_recipient_number"),
    )
    op.create_table(
        "referral_service",
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", CODE, primary_key=True),
        sa.Column("answer", CODE, nullable=False),
        sa.Column("decline_reason", CODE),
    )
    op.create_table(
        "handoff",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id"), nullable=False),
        sa.Column("packet_id", sa.Uuid(), sa.ForeignKey("packet.id")),
        sa.Column("event_id", sa.Uuid(), sa.ForeignKey("referral_event.id")),
        sa.Column("direction", CODE, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.String()),
        sa.Column("lease_until", TIME),
        sa.Column("next_attempt_at", TIME),
        sa.Column("gives_up_at", TIME),
        sa.Column("last_error", sa.String()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
    )
    op.create_index("handoff_due", "handoff", ["next_attempt_at", "id"], postgresql_where=sa.text(WAITING))
    op.create_index("ix_handoff_referral_id", "handoff", ["referral_id"])
    op.create_table(
        "receipt",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("referral_id", sa.Uuid(), sa.ForeignKey("referral.id"), nullable=False),
        sa.Column("handoff_id", sa.Uuid(), sa.ForeignKey("handoff.id")),
        sa.Column("direction", CODE, nullable=False),
        sa.Column("issuer_id", sa.Uuid(), sa.ForeignKey("organisation.id")),
        sa.Column("verbatim", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
    )
    op.create_index("ix_receipt_handoff_id", "receipt", ["handoff_id"])
    op.create_index("ix_receipt_referral_id", "receipt", ["referral_id"])
