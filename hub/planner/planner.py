"""The planner's front: a document and a profile in, a statement with its parameters out. Two caches make it cheap.

The first cache keeps documents made ready; the second keeps plans by document, profile shape and variable shape.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Generic, TypeVar

from strawberry.federation import Schema

from hub.planner.bind import Asked, Parameter, Read, Request, settled_by
from hub.planner.build import build
from hub.planner.catalogue import Catalogue
from hub.planner.cost import Cost, weigh
from hub.planner.document import Prepared, prepare
from hub.planner.finish import Write, writer
from hub.planner.ir import Envelope, Withheld
from hub.planner.limits import Limits
from hub.planner.lower import Lowering
from hub.planner.refused import OperationRefused
from hub.planner.sql import text_of
from hub.planner.weave import weave
from schema.access import AccessProfile
from schema.printed import printed

INTROSPECTIONS_MOST: Final = 16
PLANS_CHARACTERS_MOST: Final = 20_000_000
"""Of SQL, in all plans that are kept."""
CHARACTERS_FOR_ONE: Final = 25
"""Of SQL, planned for the price of one object: about 150 microseconds (measured)."""
INTROSPECTION_PRICE: Final = 500

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """A bounded map that forgets what was not used for longest."""

    def __init__(self, most: int, *, weigh: Callable[[V], int] = lambda _: 0, weight_most: int = 0) -> None:
        """Take how many there may be, and what they may weigh together."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._weight_most = weight_most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Look a value up and keep it young."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, forgetting the oldest when there are too many, or they weigh too much."""
        if key in self._entries:
            self._weight -= self._weigh(self._entries[key])
        self._entries[key] = value
        self._weight += self._weigh(value)
        while len(self._entries) > self._most or (self._weight > self._weight_most and len(self._entries) > 1):
            _, gone = self._entries.popitem(last=False)
            self._weight -= self._weigh(gone)

    def __len__(self) -> int:
        """Count the values kept."""
        return len(self._entries)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a statement needs to be run and its answer to be finished."""

    sql: str
    parameters: tuple[Parameter, ...]
    moving: tuple[tuple[int, Read], ...]
    """Which of them depend on who asks, or when, and how to read those."""
    moves: bool
    """Whether anything depends on that, be it only what is checked."""
    cost: Cost
    withheld: tuple[Withheld, ...]
    static_withheld: str
    entities: tuple[str, ...]
    checks: tuple[Parameter, ...]
    introspects: bool
    bare: bool
    """Whether the answer holds nothing but data, unless a row speaks up."""
    private: bool = False
    """Whether data of persons are read: the statement then leaves a leaf in the audit."""
    envelopes: tuple[Envelope, ...] = ()
    writers: tuple[Write, ...] = ()
    """For each envelope what cuts its content to what was asked for."""
    sealed: tuple[int, ...] = ()
    """For each envelope the entry of `withheld` for one that does not open."""

    def arguments(self, request: Request) -> list[object]:
        """Read the parameters from a request.

        Raises:
            OperationRefused: BAD_CURSOR, BAD_PAGE, BAD_FILTER, TOO_MANY_IDS.
        """
        for check in self.checks:
            check.read(request)
        return [parameter.read(request) for parameter in self.parameters]

    def arguments_again(self, kept: list[object], request: Request) -> list[object]:
        """Read from a request that comes again what may have changed, and take the rest as it was kept.

        Raises:
            OperationRefused: as `arguments`.
        """
        for check in self.checks:
            if check.moving:
                check.read(request)
        arguments = kept.copy()
        for place, read in self.moving:
            arguments[place] = read(request)
        return arguments


@dataclass(slots=True)
class Bound:
    """A plan with the parameters of one request."""

    plan: Plan
    values: Mapping[str, Any]
    arguments: list[object]
    cost: int

    def kept(self) -> "Bound":
        """Give what may be kept of it for when the same comes again: nothing of who asked, or when."""
        moving = {place for place, _ in self.plan.moving}
        arguments = [None if place in moving else value for place, value in enumerate(self.arguments)]
        return replace(self, arguments=arguments)


@dataclass(frozen=True, slots=True)
class Made:
    """A plan fresh from planning, with all that is needed to keep it."""

    name: tuple[str, str | None]
    prepared: Prepared
    key: tuple[object, ...]
    plan: Plan
    bound: Bound | OperationRefused
    """What this request makes of it; why it is refused is no reason to plan the same again for the next."""

    @property
    def price(self) -> int:
        """What planning it took, in the units of cost."""
        return len(self.plan.sql) // CHARACTERS_FOR_ONE + (INTROSPECTION_PRICE if self.plan.introspects else 0)


class ChangeAsked(Exception):
    """The operation is a mutation: there is nothing to plan yet."""

    def __init__(self, name: tuple[str, str | None], prepared: Prepared) -> None:
        super().__init__(name[1])
        self.name = name
        self.prepared = prepared


class StreamAsked(ChangeAsked):
    """The operation is a subscription: what is to be planned are its events, one by one."""


class Planner:
    """Plans operations over one schema."""

    def __init__(self, schema: Schema, limits: Limits, *, documents_most: int = 1_000, plans_most: int = 2_000) -> None:
        self.limits: Final = limits
        self._schema: Final = schema
        self.catalogue: Final = Catalogue(schema._schema)  # noqa: SLF001  # strawberry keeps graphql-core's schema there
        self._documents: Lru[tuple[str, str | None], Prepared] = Lru(documents_most)
        self._plans: Lru[tuple[object, ...], Plan] = Lru(
            plans_most, weigh=lambda plan: len(plan.sql), weight_most=PLANS_CHARACTERS_MOST
        )
        # Answers of introspection stand in their plans and are long.
        self._introspections: Lru[tuple[object, ...], Plan] = Lru(INTROSPECTIONS_MOST)

    @property
    def sdl(self) -> str:
        """The subgraph as text. Gateways ask for it, and few others: it is printed for the first of them."""
        return printed(self._schema)

    def prepared(self, document: str, operation_name: str | None) -> Prepared:
        """Make a document ready, or find it ready."""
        return self._documents.get((document, operation_name)) or prepare(
            document, operation_name, self.catalogue.schema, self.limits
        )

    def knows(self, document: str, operation_name: str | None) -> bool:
        """Tell whether a document is ready."""
        return self._documents.get((document, operation_name)) is not None

    def find(
        self, document: str, operation_name: str | None, variables: Mapping[str, Any], asked: Asked
    ) -> Bound | None:
        """Bind a plan that is kept; None when there is none yet.

        Raises:
            OperationRefused: the variables do not fit.
        """
        prepared = self._documents.get((document, operation_name))
        if prepared is None or prepared.changes or prepared.subscribes:
            return None
        values = prepared.coerce(variables)
        key = (prepared, asked.profile.shape, prepared.shape(values), asked.quiet)
        plan = (self._introspections if prepared.introspects else self._plans).get(key)
        return None if plan is None else self.bound(plan, values, asked)

    def make(self, document: str, operation_name: str | None, variables: Mapping[str, Any], asked: Asked) -> Made:
        """Plan an operation, keeping nothing, so that it may run beside the event loop: it takes milliseconds.

        Raises:
            OperationRefused: with the reason; nothing has touched the database.
            ChangeAsked: it is a mutation.
            StreamAsked: it is a subscription.
        """
        prepared = self.prepared(document, operation_name)
        if prepared.changes:
            raise ChangeAsked((document, operation_name), prepared)
        if prepared.subscribes:
            raise StreamAsked((document, operation_name), prepared)
        values = prepared.coerce(variables)
        plan = self.plan(prepared, values, asked.profile, quiet=asked.quiet)
        key = (prepared, asked.profile.shape, prepared.shape(values), asked.quiet)
        bound: Bound | OperationRefused
        try:
            bound = self.bound(plan, values, asked)
        except OperationRefused as refused:
            bound = refused
        return Made((document, operation_name), prepared, key, plan, bound)

    def keep(self, made: Made) -> None:
        """Keep what was made, for requests of the same shape."""
        self._documents.put(made.name, made.prepared)
        (self._introspections if made.prepared.introspects else self._plans).put(made.key, made.plan)

    def keep_change(self, asked: "ChangeAsked") -> None:
        """Keep the document of a mutation or a subscription."""
        self._documents.put(asked.name, asked.prepared)

    def bind(self, document: str, operation_name: str | None, variables: Mapping[str, Any], asked: Asked) -> Bound:
        """Plan an operation, or find its plan, and read its parameters.

        Raises:
            OperationRefused: with the reason; nothing has touched the database.
        """
        bound = self.find(document, operation_name, variables, asked)
        if bound is None:
            made = self.make(document, operation_name, variables, asked)
            self.keep(made)
            if isinstance(made.bound, OperationRefused):
                raise made.bound
            bound = made.bound
        return bound

    def bound(self, plan: Plan, values: Mapping[str, Any], asked: Asked) -> Bound:
        """Read the parameters of a plan from a request.

        Raises:
            OperationRefused: what the values ask for is refused, or costs too much; or the statement is too long.
        """
        if len(plan.sql) > self.limits.statement:
            raise OperationRefused("TOO_COSTLY", "The operation is too intricate. Ask for less in one.")
        arguments = plan.arguments(Request(values, self.limits, asked=asked))
        cost = plan.cost.of(values) if plan.cost.moving else plan.cost.fixed
        self._afford(cost)
        return Bound(plan, values, arguments, cost)

    def bound_again(self, kept: Bound, asked: Asked) -> Bound:
        """Read from a request that comes again what depends on who asks, or when.

        Raises:
            OperationRefused: as `bound`.
        """
        plan = kept.plan
        arguments = plan.arguments_again(kept.arguments, Request(kept.values, self.limits, asked=asked))
        return Bound(plan, kept.values, arguments, kept.cost)

    def _afford(self, cost: int) -> None:
        if cost > self.limits.cost:
            message = f"The operation costs {cost}; {self.limits.cost} is the limit. Ask for smaller pages."
            raise OperationRefused("TOO_COSTLY", message, cost=cost, limit=self.limits.cost)

    def plan(
        self, prepared: Prepared, values: Mapping[str, Any], profile: AccessProfile, *, quiet: bool = False
    ) -> Plan:
        """Compile an operation for one profile and one shape of its variables."""
        operation = weave(build(prepared, values, self.catalogue, partial(printed, self._schema)), profile)
        if quiet and operation.reading is not None:
            operation = replace(operation, reading=replace(operation.reading, quiet=True))
        cost = weigh(operation.root)
        self._afford(cost.fixed)
        lowering = Lowering(operation)
        sql, names = text_of(lowering.statement(), settled_by(profile))
        parameters = tuple(lowering.parameters[name] for name in names)
        checks = lowering.parameters.others(names)
        static = [each for each in operation.withheld if not each.by_row]
        by_row = len(static) != len(operation.withheld)
        return Plan(
            sql=sql,
            parameters=parameters,
            moving=tuple((place, each.read) for place, each in enumerate(parameters) if each.moving),
            moves=any(each.moving for each in (*parameters, *checks)),
            cost=cost,
            withheld=operation.withheld,
            static_withheld="" if by_row or not static else _entries(static),
            entities=tuple(lowering.entities),
            checks=checks,
            introspects=prepared.introspects,
            bare=not operation.withheld and not lowering.entities and operation.reading is None,
            private=operation.reading is not None,
            envelopes=tuple(lowering.envelopes),
            writers=tuple(writer(each) for each in lowering.envelopes),
            sealed=lowering.sealed_entries(),
        )


def _entries(static: list[Withheld]) -> str:
    return f"[{','.join(f'{each.json}}}' for each in static)}]"
