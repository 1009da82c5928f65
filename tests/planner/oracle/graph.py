"""Every field of every type: where its value comes from and who sees it. One small table for each type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Final

from oracle import filters, numbers, pages
from oracle.access import NETWORK, PUBLIC, TERMS, TOTALS, VIEWER, WISHES, Audience, Who
from oracle.filters import country_of
from oracle.pages import Listing
from oracle.rows import RECORDS, Ask, Row, Thing, global_id, read_id
from schema.vocabulary import AccessScope, Purpose

STALE_DAYS: Final = 90
IDS_MOST: Final = 100
Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its value, made of the row of its object and its arguments, and its audience."""

    value: Callable[[Ask, Row, Args], Any]
    see: Audience = PUBLIC
    listing: Listing | None = None
    refused: Callable[[Args], str | None] = lambda _args: None
    """The code for which arguments other than those of a listing are refused, whatever the rows."""


Fields = dict[str, Field]


def col(name: str, see: Audience = PUBLIC) -> Field:
    """Show a column."""
    return Field(lambda _ask, row, _args: row[name], see)


def cols(names: str, see: Audience = PUBLIC) -> Fields:
    """Show columns under their own names."""
    return {name: col(name, see) for name in names.split()}


def made(value: Callable[[Ask, Row], Any], see: Audience = PUBLIC) -> Field:
    """Show what is made of the row."""
    return Field(lambda ask, row, _args: value(ask, row), see)


def identity(kind: str, see: Audience = PUBLIC) -> Field:
    """Show the global id."""
    return made(lambda _ask, row: global_id(Thing(kind, row)), see)


def one(kind: str, by: str, see: Audience = PUBLIC) -> Field:
    """Show the record that a column names, if it exists for the viewer."""
    return made(lambda ask, row: ask.thing(kind, id=row[by]), see)


def paged(listing: Listing, see: Audience = PUBLIC) -> Field:
    """Show a list in pages."""
    return Field(lambda ask, row, args: pages.page(listing, ask, row, args), see, listing)


def all_of(kind: str, name: str, orders: pages.Orders, conditions: filters.Conditions = filters.NONE) -> Fields:
    """Show all records of a type in pages."""
    return {name: paged(Listing(name, lambda ask, _row: ask.things(kind), orders, conditions))}


def tied(  # noqa: PLR0917  # as the tables read
    kind: str,
    at: str,
    by: str,
    orders: pages.Orders,
    conditions: filters.Conditions = filters.NONE,
    see: Audience = PUBLIC,
) -> Fields:
    """Show the records of a type whose column names this row, in pages."""
    listing = Listing(at, lambda ask, row: ask.things(kind, **{by: row["id"]}), orders, conditions)
    return {at.partition(".")[2]: paged(listing, see)}


# ---- Parts of rows -------------------------------------------------------------------------------------------------


def _within(today: str, start: str | None, end: str | None) -> bool:
    return (start is None or start <= today) and (end is None or end + "~" >= today)


def period(start: str, end: str, *, ended: str | None = None) -> Field:
    """Show a period: without an end it runs, unless a column tells that it has ended."""

    def value(ask: Ask, row: Row) -> Thing:
        runs = _within(ask.rows.today.isoformat(), row[start], row[end]) and not (ended and row[ended])
        return Thing("Period", {"from": row[start], "until": row[end], "running": runs})

    return made(value)


def span(ask: Ask, row: Row) -> Thing:
    """Show a period that without an end lasted no longer than its beginning."""
    start, end = row["from_on"], row["until_on"]
    runs = _within(ask.rows.today.isoformat(), start, start if end is None else end)
    return Thing("Period", {"from": start, "until": end, "running": runs})


def _stay(ask: Ask, row: Row) -> Thing | None:
    if row["stay_from"] is None and row["stay_until"] is None:
        return None
    return period("stay_from", "stay_until").value(ask, row, {})


def _memberships(ask: Ask, city: Row) -> list[Thing]:
    periods = ask.rows.of("membership", city_id=city["id"])
    periods.sort(key=lambda row: (row["from_on"] or "9999", row["id"]))
    return [period("from_on", "until_on", ended="ended").value(ask, row, {}) for row in periods]


def _coordinators(ask: Ask, city: Row) -> list[Thing]:
    links = ask.rows.of("coordinator_city", city_id=city["id"])
    found = [person for link in links for person in ask.rows.of("coordinator", id=link["coordinator_id"])]
    found.sort(key=lambda row: (row["name"], row["id"]))
    return [Thing("Coordinator", row) for row in found]


def _capacity(ask: Ask, city: Row) -> Any:
    days = [place["confirmed_on"] for place in ask.rows.of("place", city_id=city["id"])]
    return max((day for day in days if day is not None), default=None)


def _project_cities(ask: Ask, project: Row) -> list[Thing]:
    links = ask.rows.of("project_city", project_id=project["id"])
    found = [city for link in links for city in ask.things("City", id=link["city_id"])]
    found.sort(key=lambda thing: (thing.row["name_key"], thing.row["id"]))
    return found


def _resolutions(ask: Ask, event: Row) -> list[Thing]:
    found = ask.things("Resolution", event_id=event["id"])
    found.sort(key=lambda thing: (thing.row["sort"], thing.row["id"]))
    return found


def _stale(ask: Ask, row: Row) -> bool:
    return row["confirmed_on"] is None or row["confirmed_on"] < ask.rows.today - timedelta(days=STALE_DAYS)


def _sources(ask: Ask, fact: Row) -> list[Thing]:
    found = [source for source in ask.rows.tables["source"] if source["code"] in fact["sources"]]
    return [Thing("Source", source) for source in sorted(found, key=lambda source: source["code"])]


# ---- Roots ---------------------------------------------------------------------------------------------------------


def node(ask: Ask, text: str) -> Thing | None:
    """Find a record by its global id, unless its type or its row is not for the viewer."""
    read = read_id(text)
    if read is None or not open_kind(read[0], ask.who):
        return None
    return ask.thing(read[0], id=read[1])


def open_kind(kind: str, who: Who) -> bool:
    """Tell whether records of the type are for the viewer at all."""
    return (NETWORK if RECORDS[kind].network else PUBLIC).verdict(who) == "OPEN"


def by_key(ask: Ask, kind: str, args: Args) -> Thing | None:
    """Find a record by id, by slug, or by both, which must then agree."""
    wanted: dict[str, Any] = {}
    if args.get("slug") is not None:
        wanted["slug"] = args["slug"]
    if args.get("id") is not None:
        read = read_id(args["id"])
        if read is None or read[0] != kind:
            return None
        wanted["id"] = read[1]
    return ask.thing(kind, **wanted)


def entity(ask: Ask, representation: object) -> Thing | None:
    """Find the record that another subgraph refers to; null for whatever is no reference to one."""
    if not isinstance(representation, dict):
        return None
    kind = representation.get("__typename")
    record = RECORDS.get(kind) if isinstance(kind, str) else None
    if record is None or not record.entity:
        return None
    for key in ("id", *record.keys):
        if isinstance(representation.get(key), str):
            return by_key(ask, kind, {key: representation[key]})
    return None


def entity_kinds(representations: object) -> list[str]:
    """Name the types that representations speak of; one without a key that can be read speaks of none."""
    given = representations if isinstance(representations, list) else [representations]
    return [
        item["__typename"]
        for item in given
        if isinstance(item, dict)
        and isinstance(name := item.get("__typename"), str)
        and (record := RECORDS.get(name)) is not None
        and record.entity
        and any(isinstance(item.get(key), str) for key in ("id", *record.keys))
    ]


def _keyless(args: Args) -> str | None:
    return "BAD_KEY" if args.get("id") is None and args.get("slug") is None else None


def _unbounded(args: Args) -> str | None:
    return "BAD_FILTER" if numbers.unbounded(args["where"]) else None


def _too_many(args: Args) -> str | None:
    (several,) = args.values()
    return "TOO_MANY_IDS" if len(several) > IDS_MOST else None


LIMITS: Final = ("operationCost", "operationDepth", "windowCost", "windowSeconds", "requestsAtOnce")


def _myself(ask: Ask, *_: object) -> Thing:
    who = ask.who
    expires = None if who.expires_at is None else who.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Thing(
        "Viewer",
        {
            "relation": who.relation,
            "organisation_id": who.organisation_id,
            "city_id": who.city_id,
            "scopes": [scope.value for scope in AccessScope if scope.value in who.scopes],
            "purposes": [purpose.value for purpose in Purpose if purpose.value in who.purposes],
            "purpose": who.purpose,
            "expires": expires,
            "limits": Thing("ViewerLimits", dict.fromkeys(LIMITS, ask.rows.bound) | {"pageSize": 100}),
        },
    )


def _own_agreement(ask: Ask, viewer: Row) -> Thing | None:
    own = ask.rows.of("agreement", organisation_id=viewer["organisation_id"])
    return Thing("ViewerAgreement", own[0]) if own else None


def _openings(ask: Ask, _row: Row) -> list[Thing]:
    return ask.things("Place") + ask.things("PartnerOpening")


# ---- The tables ----------------------------------------------------------------------------------------------------

_PROVENANCE: Final = {"provenance": made(lambda _ask, row: Thing("Provenance", row))}

_OFFER: Final[Fields] = {
    **cols("title support disciplines languages", NETWORK),
    "country": made(lambda ask, row: country_of(ask.rows, row), NETWORK),
    "householdMax": col("household_max", NETWORK),
    "monthsMax": col("months_max", NETWORK),
    "availableFrom": col("available_from", NETWORK),
    "confirmedOn": col("confirmed_on", NETWORK),
    "stale": made(_stale, NETWORK),
}

FIELDS: Final[dict[str, Fields]] = {
    "Query": {
        "node": Field(lambda ask, _row, args: node(ask, args["id"])),
        "nodes": Field(lambda ask, _row, args: [node(ask, one_id) for one_id in args["ids"]], refused=_too_many),
        "_entities": Field(
            lambda ask, _row, args: [entity(ask, item) for item in args["representations"]], refused=_too_many
        ),
        "viewer": Field(_myself, VIEWER),
        "organisation": Field(lambda ask, _row, args: by_key(ask, "Organisation", args), refused=_keyless),
        **all_of("Organisation", "organisations", pages.ORGANISATION, filters.ORGANISATION),
        "city": Field(lambda ask, _row, args: by_key(ask, "City", args), refused=_keyless),
        **all_of("City", "cities", pages.CITY, filters.CITY),
        **all_of("Resident", "residents", pages.NAME, filters.RESIDENT),
        **all_of("Figure", "figures", pages.NAME),
        **all_of("Event", "events", pages.STARTS, filters.EVENT),
        **all_of("Project", "projects", pages.STARTS),
        **all_of("TimelineEntry", "timeline", pages.STARTS),
        **all_of("Term", "boardTerms", pages.STARTS, filters.TERM),
        "networkSize": Field(lambda ask, _row, args: numbers.sizes(ask.rows, args["where"]), refused=_unbounded),
        "statistics": Field(lambda ask, _row, args: numbers.cells(ask.rows, args["where"]), TOTALS, refused=_unbounded),
        "openings": paged(Listing("openings", _openings, pages.OPENING, filters.OPENING), NETWORK),
    },
    "Viewer": {
        **cols("relation purpose", VIEWER),
        "scopes": col("scopes", VIEWER),
        "purposes": col("purposes", VIEWER),
        "organisation": one("Organisation", "organisation_id", VIEWER),
        "city": one("City", "city_id", VIEWER),
        "agreement": made(_own_agreement, VIEWER),
        "limits": col("limits", VIEWER),
        "tokenExpiresAt": col("expires", VIEWER),
    },
    "ViewerAgreement": {
        **cols("state categories purposes", VIEWER),
        "from": col("from_on", VIEWER),
        "until": col("until_on", VIEWER),
    },
    "ViewerLimits": cols(" ".join((*LIMITS, "pageSize")), VIEWER),
    "City": {
        "id": identity("City"),
        **cols("slug name kind country region latitude longitude status"),
        "memberships": made(_memberships),
        "joinedBasis": col("joined_basis"),
        "earlierNetwork": col("earlier_network"),
        "earlierNetworkNote": col("earlier_network_note"),
        "capitalOfCultureYear": col("capital_of_culture_year"),
        "artsOfDemocracy": col("arts_of_democracy"),
        "coordinatingBody": one("Organisation", "coordinating_body_id"),
        "coordinatingBodyName": col("coordinating_body_name"),
        **tied("Resident", "City.residents", "city_id", pages.NAME),
        "coordinators": made(_coordinators, NETWORK),
        **tied("Place", "City.places", "city_id", pages.PLACE, filters.PLACE, NETWORK),
        "capacityConfirmedOn": made(_capacity, NETWORK),
        "residencyMonths": col("residency_months", NETWORK),
        "permitRoute": col("permit_route", NETWORK),
        **_PROVENANCE,
    },
    "Coordinator": cols("name email since", NETWORK),
    "Place": {
        "id": identity("Place", NETWORK),
        **_OFFER,
        "city": one("City", "city_id", NETWORK),
        "open": col("open", NETWORK),
        "stepFree": col("step_free", NETWORK),
        "wishedRegions": col("wished_regions", WISHES),
    },
    "PartnerOpening": {
        "id": identity("PartnerOpening", NETWORK),
        **_OFFER,
        "organisation": one("Organisation", "organisation_id", NETWORK),
        "eligibility": col("eligibility", NETWORK),
        "documentsRequired": col("documents_required", NETWORK),
        "appliesBy": col("applies_by", NETWORK),
    },
    "Organisation": {
        "id": identity("Organisation"),
        **cols("slug name acronym kind country website mandate beneficiaries support disciplines standing"),
        "supportOther": col("support_other"),
        "refersToIcorn": col("refers_to_icorn"),
        "receivesFromIcorn": col("receives_from_icorn"),
        "agreement": made(lambda ask, row: ask.thing("Agreement", organisation_id=row["id"]), NETWORK),
        **_PROVENANCE,
    },
    "Agreement": {
        "id": identity("Agreement", NETWORK),
        "organisation": one("Organisation", "organisation_id", NETWORK),
        "period": Field(period("from_on", "until_on").value, NETWORK),
        "state": col("state", NETWORK),
        "onwardAllowed": col("onward_allowed", TERMS),
        "categories": col("categories", TERMS),
        "purposes": col("purposes", TERMS),
    },
    "Resident": {
        "id": identity("Resident"),
        **cols("name disciplines host biography links"),
        "originCountry": col("origin_country"),
        "originRegion": col("origin_region"),
        "city": one("City", "city_id"),
        "stay": made(_stay),
        **tied("Work", "Resident.works", "resident_id", pages.WORK),
        **_PROVENANCE,
    },
    "Work": {
        "id": identity("Work"),
        **cols("title discipline language year url"),
        "titleTranslated": col("title_translated"),
        "by": one("Resident", "resident_id"),
        **_PROVENANCE,
    },
    "Figure": {"id": identity("Figure"), **cols("name role discipline country fact"), **_PROVENANCE},
    "Event": {
        "id": identity("Event"),
        **cols("slug kind name place country summary"),
        "period": made(span),
        "city": one("City", "city_id"),
        "project": one("Project", "project_id"),
        "resolutions": made(_resolutions),
        **_PROVENANCE,
    },
    "Resolution": {"id": identity("Resolution"), **cols("number title text adopted"), **_PROVENANCE},
    "Project": {
        "id": identity("Project"),
        **cols("slug name summary"),
        "period": period("from_on", "until_on"),
        "cities": made(_project_cities),
        **_PROVENANCE,
    },
    "Term": {
        "id": identity("Term"),
        **cols("name role"),
        "city": one("City", "city_id"),
        "organisation": one("Organisation", "organisation_id"),
        "period": period("from_on", "until_on", ended="ended"),
        **_PROVENANCE,
    },
    "TimelineEntry": {
        "id": identity("TimelineEntry"),
        **cols("place country text"),
        "period": made(span),
        **_PROVENANCE,
    },
    "Period": cols("from until running"),
    "Provenance": {**cols("certainty note"), "sources": made(_sources)},
    "Source": cols("code address about"),
    "NetworkSize": {
        **cols("year country members undated"),
        "official": made(lambda ask, row: numbers.officials(ask.rows, row)),
    },
    "OfficialTotal": {"asOf": col("as_of"), **cols("members countries wording"), **_PROVENANCE},
    "StatisticCell": {
        **cols("measure year discipline urgency count suppressed", TOTALS),
        "hostCountry": col("host_country", TOTALS),
        "originRegion": col("origin_region", TOTALS),
    },
    "PageInfo": cols("hasNextPage hasPreviousPage startCursor endCursor"),
}
_CONNECTION: Final = cols("nodes edges pageInfo totalCount")
_EDGE: Final = cols("node cursor")


def fields_of(kind: str) -> Fields:
    """Give the table of a type."""
    if kind.endswith("Connection"):
        return _CONNECTION
    return _EDGE if kind.endswith("Edge") else FIELDS[kind]
