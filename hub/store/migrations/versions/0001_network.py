"""The network and its public face: cities, bodies, history, residents as shown.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CODE = sa.String(40)
SORTED = sa.Text(collation="C")
ARRAY_OF_CODES = ARRAY(CODE)
ARRAY_OF_TEXTS = ARRAY(sa.Text())


def fact() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("certainty", CODE, nullable=False),
        sa.Column("sources", ARRAY_OF_TEXTS, nullable=False),
        sa.Column("note", sa.Text()),
    ]


def partial_date(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rf"{column} ~ '^\d{{4}}(-\d\d(-\d\d)?)?$'", name=f"{column}_edtf")


def upgrade() -> None:
    op.create_table(
        "coordinator",
        *fact(),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("since", SORTED),
        partial_date("since"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "figure",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", SORTED, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("discipline", sa.String()),
        sa.Column("country", sa.String()),
        sa.Column("fact", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "official_total",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("as_of", SORTED, nullable=False),
        sa.Column("country", sa.String()),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("countries", sa.Integer()),
        sa.Column("wording", sa.String(), nullable=False),
        partial_date("as_of"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "organisation",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", SORTED, nullable=False),
        sa.Column("acronym", sa.String()),
        sa.Column("acronym_key", SORTED),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("country", sa.String()),
        sa.Column("website", sa.String()),
        sa.Column("mandate", sa.Text()),
        sa.Column("beneficiaries", sa.Text()),
        sa.Column("support", ARRAY_OF_CODES, nullable=False),
        sa.Column("support_other", ARRAY_OF_TEXTS, nullable=False),
        sa.Column("disciplines", ARRAY_OF_CODES, nullable=False),
        sa.Column("standing", sa.String()),
        sa.Column("refers_to_icorn", CODE, nullable=False),
        sa.Column("receives_from_icorn", CODE, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "project",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", SORTED, nullable=False),
        sa.Column("from_on", SORTED),
        sa.Column("until_on", SORTED),
        sa.Column("summary", sa.Text()),
        partial_date("from_on"),
        partial_date("until_on"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "source",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "statistic_cell",
        *fact(),
        sa.Column("measure", CODE, nullable=False),
        sa.Column("slice", CODE, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String()),
        sa.Column("origin_region", CODE),
        sa.Column("discipline", CODE),
        sa.Column("urgency", CODE),
        sa.Column("count", sa.Integer()),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("statistic_by_measure", "statistic_cell", ["measure", "slice", "year"])
    op.create_table(
        "timeline_entry",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("from_on", SORTED, nullable=False),
        sa.Column("until_on", SORTED),
        sa.Column("place", sa.String()),
        sa.Column("country", sa.String()),
        sa.Column("text", sa.Text(), nullable=False),
        partial_date("from_on"),
        partial_date("until_on"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("timeline_by_start", "timeline_entry", ["from_on", "id"])
    op.create_table(
        "vocabulary_term",
        sa.Column("vocabulary", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("external_code", sa.String()),
        sa.Column("external_scheme", sa.String()),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("vocabulary", "code"),
    )
    op.create_table(
        "agreement",
        *fact(),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", SORTED),
        sa.Column("until_on", SORTED),
        sa.Column("state", CODE, nullable=False),
        sa.Column("onward_allowed", sa.Boolean(), nullable=False),
        sa.Column("categories", ARRAY_OF_CODES, nullable=False),
        sa.Column("purposes", ARRAY_OF_CODES, nullable=False),
        partial_date("from_on"),
        partial_date("until_on"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id"),
    )
    op.create_table(
        "city",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", SORTED, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("region", CODE, nullable=False),
        sa.Column("latitude", sa.Float()),
        sa.Column("longitude", sa.Float()),
        sa.Column("status", CODE, nullable=False),
        sa.Column("joined_basis", sa.String()),
        sa.Column("earlier_network", CODE),
        sa.Column("earlier_network_note", sa.String()),
        sa.Column("capital_of_culture_year", sa.Integer()),
        sa.Column("arts_of_democracy", sa.Boolean(), nullable=False),
        sa.Column("coordinating_body_id", sa.Uuid()),
        sa.Column("coordinating_body_name", sa.String()),
        sa.Column("residency_months", sa.Integer()),
        sa.Column("permit_route", CODE),
        sa.ForeignKeyConstraint(["coordinating_body_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("city_by_country", "city", ["status", "country", "name_key", "id"])
    op.create_index("city_by_name", "city", ["status", "name_key", "id"])
    op.create_table(
        "partner_opening",
        *fact(),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("support", ARRAY_OF_CODES, nullable=False),
        sa.Column("country", sa.String()),
        sa.Column("disciplines", ARRAY_OF_CODES, nullable=False),
        sa.Column("household_max", sa.Integer()),
        sa.Column("months_max", sa.Integer()),
        sa.Column("languages", ARRAY_OF_TEXTS, nullable=False),
        sa.Column("available_from", sa.Date()),
        sa.Column("confirmed_on", sa.Date()),
        sa.Column("eligibility", sa.Text()),
        sa.Column("documents_required", sa.Text()),
        sa.Column("applies_by", sa.Date()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_partner_opening_organisation_id"), "partner_opening", ["organisation_id"])
    op.create_table(
        "coordinator_city",
        sa.Column("city_id", sa.Uuid(), nullable=False),
        sa.Column("coordinator_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.ForeignKeyConstraint(["coordinator_id"], ["coordinator.id"]),
        sa.PrimaryKeyConstraint("city_id", "coordinator_id"),
    )
    op.create_table(
        "event",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", SORTED, nullable=False),
        sa.Column("from_on", SORTED, nullable=False),
        sa.Column("until_on", SORTED),
        sa.Column("city_id", sa.Uuid()),
        sa.Column("place", sa.String()),
        sa.Column("country", sa.String()),
        sa.Column("summary", sa.Text()),
        sa.Column("project_id", sa.Uuid()),
        partial_date("from_on"),
        partial_date("until_on"),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("event_by_start", "event", ["from_on", "id"])
    op.create_table(
        "membership",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("city_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", SORTED),
        sa.Column("until_on", SORTED),
        sa.Column("ended", sa.Boolean(), nullable=False),
        partial_date("from_on"),
        partial_date("until_on"),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("membership_by_city", "membership", ["city_id", "from_on", "id"])
    op.create_table(
        "place",
        *fact(),
        sa.Column("city_id", sa.Uuid(), nullable=False),
        sa.Column("title", SORTED, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("support", ARRAY_OF_CODES, nullable=False),
        sa.Column("disciplines", ARRAY_OF_CODES, nullable=False),
        sa.Column("household_max", sa.Integer()),
        sa.Column("months_max", sa.Integer()),
        sa.Column("languages", ARRAY_OF_TEXTS, nullable=False),
        sa.Column("available_from", sa.Date()),
        sa.Column("confirmed_on", sa.Date()),
        sa.Column("step_free", sa.Boolean()),
        sa.Column("wished_regions", ARRAY_OF_CODES, nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("place_by_city", "place", ["city_id", "title", "id"])
    op.create_table(
        "project_city",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("city_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"]),
        sa.PrimaryKeyConstraint("project_id", "city_id"),
    )
    op.create_table(
        "resident",
        *fact(),
        sa.Column("slug", sa.String()),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", SORTED, nullable=False),
        sa.Column("disciplines", ARRAY_OF_CODES, nullable=False),
        sa.Column("origin_country", sa.String()),
        sa.Column("origin_region", CODE),
        sa.Column("city_id", sa.Uuid()),
        sa.Column("host", sa.String()),
        sa.Column("stay_from", SORTED),
        sa.Column("stay_until", SORTED),
        sa.Column("biography", sa.Text()),
        sa.Column("links", ARRAY_OF_TEXTS, nullable=False),
        partial_date("stay_from"),
        partial_date("stay_until"),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("resident_by_city", "resident", ["city_id", "name_key", "id"])
    op.create_index("resident_by_name", "resident", ["name_key", "id"])
    op.create_table(
        "term",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("role", CODE, nullable=False),
        sa.Column("city_id", sa.Uuid()),
        sa.Column("organisation_id", sa.Uuid()),
        sa.Column("from_on", SORTED),
        sa.Column("until_on", SORTED),
        sa.Column("ended", sa.Boolean(), nullable=False),
        partial_date("from_on"),
        partial_date("until_on"),
        sa.ForeignKeyConstraint(["city_id"], ["city.id"]),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "resolution",
        *fact(),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("number", sa.String()),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("resolution_by_event", "resolution", ["event_id", "sort", "id"])
    op.create_table(
        "work",
        *fact(),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_key", SORTED, nullable=False),
        sa.Column("title_translated", sa.String()),
        sa.Column("discipline", CODE, nullable=False),
        sa.Column("language", sa.String()),
        sa.Column("year", sa.Integer()),
        sa.Column("url", sa.String()),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("work_by_resident", "work", ["resident_id", "year", "title_key", "id"])
