"""The graph's door: the query type, and the one schema made of all types."""

from typing import Final

import strawberry
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig

from schema.access import NETWORK, PUBLIC, TOTALS, VIEWER
from schema.mutations.agreements import AgreementMutations
from schema.scalars import SCALARS
from schema.source import cells, lookup, myself, node_by_id, nodes_by_ids, page
from schema.tables import StatisticCellRow
from schema.tables.base import table_of
from schema.types.basics import Connection, Node
from schema.types.cities import CITY_ORDERS, City, CityOrder, CityOrderField, CityWhere
from schema.types.history import (
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
        default=BY_START,
        see=PUBLIC,
        says="Assemblies, meetings, festivals; earliest first when no order is given.",
    )
    projects: Connection[Project] = page(default=BY_START, see=PUBLIC, says="Projects, earliest first.")
    timeline: Connection[TimelineEntry] = page(default=BY_START, see=PUBLIC, says="History, earliest first.")
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


@strawberry.type(
    description=(
        "Everything that can be changed. One mutation an operation; what is selected beneath it is read like any "
        "query. Null where it is not for you, and extensions.withheld names the rule."
    )
)
class Mutation(AgreementMutations):
    """The changes. Each runs a service of the hub; nothing here is ever called."""


SCHEMA: Final = Schema(
    query=Query,
    mutation=Mutation,
    types=[Place, PartnerOpening],
    config=StrawberryConfig(scalar_map=SCALARS),
    # Composers in use know federation up to 2.9 and refuse what is newer.
    federation_version="2.9",
)
