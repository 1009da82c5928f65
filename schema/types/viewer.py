"""Who asks, as the graph tells it to the client."""

from sqlalchemy import ColumnElement

from schema.access import VIEWER, Columns
from schema.scalars import DateTime
from schema.source import Join, from_profile, one, plain, viewer
from schema.types.cities import City
from schema.types.organisations import Organisation
from schema.vocabulary import AccessScope, Purpose, Relation


def _own(name: str) -> Join:
    def join(_here: Columns, there: Columns) -> ColumnElement[bool]:
        own: ColumnElement[bool] = there.id == viewer(name)
        return own

    return join


@plain(see=VIEWER)
class Viewer:
    """Who you are to the hub: the token, in words."""

    relation: Relation = from_profile(
        "relation",
        see=VIEWER,
        says="The row of the access matrix your token opens at most. Case by case a closer relation may apply.",
    )
    organisation: Organisation | None = one(
        _own("organisation_id"), see=VIEWER, says="Body of the token; null for residents and the public."
    )
    city: City | None = one(_own("city_id"), see=VIEWER, says="City of a coordinator; null otherwise.")
    scopes: list[AccessScope] = from_profile("scopes", see=VIEWER, says="What the token allows.")
    purposes: list[Purpose] = from_profile("purposes", see=VIEWER, says="Purposes you may declare.")
    purpose: Purpose | None = from_profile(
        "purpose", see=VIEWER, says="Purpose of this request; null when none is declared."
    )
    token_expires_at: DateTime | None = from_profile(
        "expires_at", see=VIEWER, says="When the token ends; null without one."
    )
