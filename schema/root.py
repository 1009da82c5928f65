"""The graph's door: the query type, and the one schema made of all types."""

from typing import Final

import strawberry
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig

from schema.access import NETWORK, PUBLIC, TOTALS, VIEWER
from schema.links import ENVELOPE, LOG
from schema.mutations.agreements import AgreementMutations
from schema.mutations.casework import CaseworkMutations
from schema.scalars import SCALARS
from schema.source import cells, lookup, myself, node_by_id, nodes_by_ids, page
from schema.subscriptions.referrals import ReferralSubscriptions
from schema.tables import StatisticCellRow
from schema.tables.base import table_of
from schema.types.audit import ENTRIES_IN_ORDER, AuditEntry, AuditWhere
from schema.types.basics import Connection, Node
from schema.types.cases import CASE_ORDERS, CASES_IN_ORDER, Case, CaseOrder, CaseWhere, Person
from schema.types.cities import CITY_ORDERS, City, CityOrder, CityOrderField, CityWhere
from schema.types.consents import CONSENT, CONSENT_ORDERS, Consent, ConsentOrder, ConsentOrderField, ConsentWhere
from schema.types.history import (
    BY_KNOWN_START,
    BY_START,
    EVENT_ORDERS,
    Event,
    EventOrder,
    EventWhere,
    Project,
    Term,
    TermWhere,
    TimelineEntry,
)
from schema.types.openings import (
    OPENING_ORDERS,
    OPENINGS,
    Opening,
    OpeningOrder,
    OpeningOrderField,
    OpeningWhere,
    PartnerOpening,
    Place,
)
from schema.types.organisations import (
    ORGANISATION_ORDERS,
    Organisation,
    OrganisationOrder,
    OrganisationOrderField,
    OrganisationWhere,
)
from schema.types.referrals import (
    REFERRAL_ORDERS,
    Referral,
    ReferralOrder,
    ReferralOrderField,
    ReferralWhere,
)
from schema.types.residents import (
    FIGURES_IN_ORDER,
    RESIDENT_ORDERS,
    Figure,
    Resident,
    ResidentOrder,
    ResidentOrderField,
    ResidentWhere,
)
from schema.types.statistics import SIZES, NetworkSize, NetworkSizeWhere, StatisticCell, StatisticWhere, bounded
from schema.types.viewer import Viewer


@strawberry.type(
    description=(
        "Everything that can be read. A withheld value is null, and extensions.withheld names the rule that keeps it. "
        "A filter or order on a field you may not read is refused; rows you may not see never match and are never "
        "counted."
    )
)
class Query:
    """The roots. Reads are compiled by the planner; nothing here is ever called."""

    node: Node | None = node_by_id(see=PUBLIC, says="One record by its id; null when it is unknown or not for you.")
    nodes: list[Node | None] = nodes_by_ids(
        see=PUBLIC, says="Records by their ids, in the order asked; null for each that is unknown or not for you."
    )
    viewer: Viewer | None = myself(see=VIEWER, says="Who you are; null without a token.")
    organisation: Organisation | None = lookup(see=PUBLIC, says="One body, by id or slug; null when unknown.")
    organisations: Connection[Organisation] = page(
        where=OrganisationWhere,
        order=OrganisationOrder,
        orders=ORGANISATION_ORDERS,
        default=ORGANISATION_ORDERS[OrganisationOrderField.NAME],
        see=PUBLIC,
        says="Bodies in and around the network, by name when no order is given.",
    )
    city: City | None = lookup(see=PUBLIC, says="One member, by id or slug; null when unknown.")
    cities: Connection[City] = page(
        where=CityWhere,
        order=CityOrder,
        orders=CITY_ORDERS,
        default=CITY_ORDERS[CityOrderField.NAME],
        see=PUBLIC,
        says="Members now or once; those of today when not narrowed. By name when no order is given.",
    )
    residents: Connection[Resident] = page(
        where=ResidentWhere,
        order=ResidentOrder,
        orders=RESIDENT_ORDERS,
        default=RESIDENT_ORDERS[ResidentOrderField.NAME],
        see=PUBLIC,
        says="Residents who chose to be shown, by name.",
    )
    figures: Connection[Figure] = page(
        default=FIGURES_IN_ORDER, see=PUBLIC, says="People named in the network's history, by name."
    )
    events: Connection[Event] = page(
        where=EventWhere,
        order=EventOrder,
        orders=EVENT_ORDERS,
        default=BY_KNOWN_START,
        see=PUBLIC,
        says="Assemblies, meetings, festivals; earliest first when no order is given.",
    )
    projects: Connection[Project] = page(default=BY_START, see=PUBLIC, says="Projects, earliest first.")
    timeline: Connection[TimelineEntry] = page(default=BY_KNOWN_START, see=PUBLIC, says="History, earliest first.")
    board_terms: Connection[Term] = page(
        where=TermWhere, default=BY_START, see=PUBLIC, says="Who sits or sat at the board, earliest first."
    )
    network_size: list[NetworkSize] = cells(
        SIZES,
        where=NetworkSizeWhere,
        order=lambda c: [c.year, c.country],
        check=bounded,
        assumed=50,
        most=2_000,
        see=PUBLIC,
        says="Size of the network by year and country, with the totals published then.",
    )
    statistics: list[StatisticCell] | None = cells(
        table_of(StatisticCellRow),
        where=StatisticWhere,
        order=lambda c: [c.measure, c.year, c.host_country, c.origin_region, c.discipline, c.urgency, c.id],
        check=bounded,
        assumed=500,
        most=2_000,
        see=TOTALS,
        says="Numbers of the yearly publication.",
    )
    openings: Connection[Opening] | None = page(
        where=OpeningWhere,
        order=OpeningOrder,
        orders=OPENING_ORDERS,
        default=OPENING_ORDERS[OpeningOrderField.AVAILABLE_FROM],
        union=OPENINGS,
        see=NETWORK,
        says="Shelter and help on offer across all networks.",
    )
    case: Case | None = lookup(see=ENVELOPE, says="One case; null when it is unknown or not for you.", slug=False)
    cases: Connection[Case] | None = page(
        where=CaseWhere,
        order=CaseOrder,
        orders=CASE_ORDERS,
        default=CASES_IN_ORDER,
        see=ENVELOPE,
        says="Cases you have a relation to, in an order that tells nothing when none is given.",
    )
    person: Person | None = lookup(
        see=ENVELOPE, says="One data subject; null when it is unknown or not for you.", slug=False
    )
    referral: Referral | None = lookup(
        see=ENVELOPE, says="One referral; null when it is unknown or not for you.", slug=False
    )
    referrals: Connection[Referral] | None = page(
        where=ReferralWhere,
        order=ReferralOrder,
        orders=REFERRAL_ORDERS,
        default=REFERRAL_ORDERS[ReferralOrderField.SINCE],
        see=ENVELOPE,
        says="Referrals that you are a side of: the partner's inbox and outbox.",
    )
    consents: Connection[Consent] | None = page(
        where=ConsentWhere,
        order=ConsentOrder,
        orders=CONSENT_ORDERS,
        default=CONSENT_ORDERS[ConsentOrderField.ENDS],
        see=CONSENT,
        says="Consents you may see, by last day when no order is given.",
    )
    audit_entries: Connection[AuditEntry] | None = page(
        where=AuditWhere,
        default=ENTRIES_IN_ORDER,
        see=LOG,
        says="The access log, earliest first: your body's own entries, or all for those who watch over it.",
    )


@strawberry.type(
    description=(
        "Everything that can be changed. One mutation an operation; what is selected beneath it is read like any "
        "query. Null where it is not for you, and extensions.withheld names the rule."
    )
)
class Mutation(AgreementMutations, CaseworkMutations):
    """The changes. Each runs a service of the hub; nothing here is ever called."""


@strawberry.type(
    description=(
        "What happens, as it happens, by server-sent events or WebSocket. What is selected is read at each event under "
        "your rules; what is not for you is not told. The stream ends when token or session ends."
    )
)
class Subscription(ReferralSubscriptions):
    """What can be listened to. Nothing here is ever called."""


SCHEMA: Final = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Place, PartnerOpening],
    config=StrawberryConfig(scalar_map=SCALARS),
    # Composers in use know federation up to 2.9 and refuse what is newer.
    federation_version="2.9",
)
