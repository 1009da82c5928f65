"""Who may see what, said once more: the viewer as plain values, and one audience for each kind of field."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

OPEN: Final = "OPEN"
BY_ROW: Final = "BY_ROW"

EVERY_RELATION: Final = frozenset(
    [
        "anonymous",
        "partner_agreement",
        "partner_referral",
        "assessor",
        "city_candidate",
        "city_host",
        "national_helper",
        "caseworker",
        "lead",
        "dpo",
        "board",
        "resident",
        "contact_person",
        "auditor",
        "operator",
    ]
)
SECRETARIAT: Final = frozenset({"caseworker", "lead"})


@dataclass(frozen=True, slots=True)
class Who:
    """The viewer. Relation, scopes and purposes are codes of the vocabularies."""

    relation: str = "anonymous"
    scopes: frozenset[str] = frozenset()
    purposes: tuple[str, ...] = ()
    purpose: str | None = None
    organisation_id: UUID | None = None
    city_id: UUID | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(cls, profile: Any) -> "Who":
        """Read the plain values off an `AccessProfile`."""
        return cls(
            relation=profile.relation.value,
            scopes=frozenset(scope.value for scope in profile.scopes),
            purposes=tuple(purpose.value for purpose in profile.purposes),
            purpose=None if profile.purpose is None else profile.purpose.value,
            organisation_id=profile.organisation_id,
            city_id=profile.city_id,
            expires_at=profile.expires_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who sees a field: one scope of `scopes` is needed and one relation of `relations`, the scope being asked first.

    Where `always` is given, only those relations see it on every row; the others see it where the `owner` column of the
    row holds the id that the viewer carries under the `owner` name. A viewer without an id owns nothing.
    """

    category: str = "PUBLIC"
    scopes: frozenset[str] = frozenset()
    relations: frozenset[str] = EVERY_RELATION
    always: frozenset[str] = EVERY_RELATION
    owner: str | None = None

    def verdict(self, who: Who) -> str:
        """Give OPEN, BY_ROW, or the code of the reason for which it is shut on every row."""
        if self.scopes and not self.scopes & who.scopes:
            return "SCOPE"
        if who.relation not in self.relations:
            return "RELATION"
        if who.relation in self.always:
            return OPEN
        return "RELATION" if self.owner is None or getattr(who, self.owner) is None else BY_ROW

    def owns(self, who: Who, row: dict[str, Any]) -> bool:
        """Tell whether the row is the viewer's own."""
        assert self.owner is not None
        return bool(row[self.owner] == getattr(who, self.owner))


_NETWORK_SCOPES: Final = frozenset({"network:read", "self:read"})
_IN_THE_NETWORK: Final = EVERY_RELATION - {"anonymous", "contact_person", "operator"}

PUBLIC: Final = Audience()
NETWORK: Final = Audience(category="NETWORK", scopes=_NETWORK_SCOPES, relations=_IN_THE_NETWORK)
VIEWER: Final = Audience(category="CASE", relations=EVERY_RELATION - {"anonymous"})
TOTALS: Final = Audience(
    category="CASE",
    scopes=frozenset({"stats:read"}),
    relations=frozenset(
        [
            "partner_referral",
            "assessor",
            "city_host",
            "caseworker",
            "lead",
            "dpo",
            "board",
            "resident",
            "contact_person",
        ]
    ),
)
TERMS: Final = Audience(
    category="NETWORK",
    scopes=_NETWORK_SCOPES,
    relations=_IN_THE_NETWORK,
    always=SECRETARIAT | {"dpo"},
    owner="organisation_id",
)
"""The terms of an agreement: the body's own, the secretariat's, the data protection officer's."""
WISHES: Final = Audience(
    category="NETWORK",
    scopes=_NETWORK_SCOPES,
    relations=_IN_THE_NETWORK,
    always=SECRETARIAT | {"national_helper"},
    owner="city_id",
)
"""What a city wishes for: the city's own, the secretariat's, national helpers'."""
