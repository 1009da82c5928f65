"""Who may see a field: rules are data, written on the field's line and woven into the statement by the planner.

A rule is a tree of frozen nodes. The planner decides what it can from the access profile alone (scope, relation) and
turns the rest (ownership, links, consent) into SQL predicates over the row at hand. Deny is the default: a field
without `Access` does not build. Source: domain page "Field access"; the matrix below is `access_matrix.csv`, held equal
by a test.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement

from schema.vocabulary import AccessScope, Category, Grain, Purpose, Relation

# Columns of one row, as the planner hands them to a rule or a source: attribute access by column name.
Columns = Any


@dataclass(frozen=True, slots=True)
class Anyone:
    """Holds for everybody."""


@dataclass(frozen=True, slots=True)
class Scoped:
    """Holds when the token carries one of the scopes."""

    any_of: frozenset[AccessScope]


@dataclass(frozen=True, slots=True)
class Related:
    """Holds when the viewer stands in one of the relations: rows of the access matrix."""

    any_of: frozenset[Relation]


@dataclass(frozen=True, slots=True)
class Own:
    """Holds on rows whose column names the viewer's own body or city.

    `viewer` is a field of `AccessProfile`; `column` picks the column of the row. Who has no such id owns nothing.
    `only` is what is true of all such rows, by name and value: where a filter settled something else, none is owned.
    """

    viewer: str
    column: Callable[[Columns], ColumnElement[Any]]
    only: tuple[str, object] | None = None


@dataclass(frozen=True, slots=True)
class RowIs:
    """Holds on rows for which the predicate is true. `says` names it where the plan is explained."""

    says: str
    predicate: Callable[[Columns], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Linked:
    """Holds on rows that another row, for which the rule holds, ties to the viewer: a referral, a person, a body.

    Looked up when the request is answered, never read from the token. `code` is what is told where it fails: RELATION;
    SCOPE where the other row bounds what the viewer's body may see at all; CONSENT where the person does. With a `word`
    the other row must hold it in the list that `among` picks.
    """

    to: Any  # a row class; tables are a room of their own
    on: Callable[[Columns, Columns], ColumnElement[bool]]
    rule: "Rule"
    code: str = "RELATION"
    word: str | None = None
    among: Callable[[Columns], ColumnElement[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Consented:
    """Holds on rows of a case whose person allowed it: this category, purpose and recipient, today.

    The recipient is the viewer's body, the purpose the one declared with the request, and an open referral of the case
    to that body has the same purpose. `case` and `person` pick columns of the row.
    """

    category: Category
    case: Callable[[Columns], ColumnElement[Any]]
    person: Callable[[Columns], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Holds on rows whose subject still has a key: the person was not erased."""

    subject: Callable[[Columns], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every rule does. The first that fails gives the reason."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one rule does. The last gives the reason, where the row decides."""

    rules: tuple["Rule", ...]


Rule = Anyone | Scoped | Related | Own | RowIs | Linked | Consented | Unsealed | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Access:
    """The category of a value, how much of it the field shows, and who may see it."""

    category: Category
    grain: Grain
    rule: Rule

    @property
    def public(self) -> bool:
        """True when no token is needed."""
        return isinstance(self.rule, Anyone)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes of which one is needed, sorted; empty when none is. Printed as `@requiresScopes`."""
        rules = self.rule.rules if isinstance(self.rule, AllOf) else (self.rule,)
        return tuple(sorted(scope.value for rule in rules if isinstance(rule, Scoped) for scope in rule.any_of))


PARTNERS: Final = frozenset({Relation.PARTNER_AGREEMENT, Relation.PARTNER_REFERRAL})
STAFF: Final = frozenset({Relation.CASEWORKER, Relation.LEAD, Relation.DPO, Relation.AUDITOR})
"""Who works for ICORN itself and may come across persons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessProfile:
    """Who asks: what a verified token says, frozen.

    Relation, scopes and purpose change the plan; ids are parameters, of which the plan only knows that they are there.
    `subjects` name the token, its grant, client, body and person as denials do; each statement looks for denials of
    them that are younger than `issued_at`.
    """

    relation: Relation = Relation.ANONYMOUS
    scopes: frozenset[AccessScope] = frozenset()
    purposes: tuple[Purpose, ...] = ()
    purpose: Purpose | None = None
    organisation_id: UUID | None = None
    city_id: UUID | None = None
    account_id: UUID | None = None
    """Whose sign-in it is; None for programs."""
    expires_at: datetime | None = None
    issued_at: datetime | None = None
    subjects: tuple[str, ...] = ()
    client: str = ""
    """Which client, for counting; empty where there is none."""
    shape: tuple[object, ...] = field(init=False, repr=False, compare=False)
    """What of the profile changes the SQL: the key of its plans."""
    audience: str = field(init=False, repr=False, compare=False)
    """For whom ids of persons are made: a body, a city, somebody alone; the secretariat's people share one."""

    def __post_init__(self) -> None:
        here = (self.organisation_id is None, self.city_id is None, self.account_id is None, bool(self.subjects))
        object.__setattr__(self, "shape", (self.relation, self.scopes, self.purpose, *here))
        object.__setattr__(self, "audience", self._audience())

    def _audience(self) -> str:
        if self.relation in STAFF:
            return "icorn"
        if self.organisation_id is not None:
            return f"organisation:{self.organisation_id}"
        if self.city_id is not None:
            return f"city:{self.city_id}"
        return f"account:{self.account_id}" if self.account_id is not None else f"client:{self.client}"


ANONYMOUS: Final = AccessProfile()

_CATEGORIES: Final = tuple(Category)
_MATRIX: Final = """
    anonymous          V  -  -  -  -  -  -  -  -  -
    partner_agreement  V  V  M  -  -  -  -  -  -  -
    partner_referral   V  V  Vc Vc Vc Cc Vc Vc Vc Cc
    assessor           V  V  Vt Vt Vt Ct Vt Ct Ct O
    city_candidate     V  V  C  -  -  -  C  C  C  -
    city_host          V  V  Vr Vr Vr Vr Cr Cr Vr -
    national_helper    V  V  C  -  -  -  -  -  -  -
    caseworker         V  V  Vo Vo Vo Vo Vo Vn Vo Vo
    lead               V  V  V  V  V  B  V  B  V  V
    dpo                V  V  V  V  C  B  B  B  B  C
    board              V  V  A  -  -  -  -  -  -  -
    resident           V  V  O  O  O  O  O  O  O  Os
    contact_person     V  -  Od Od Od -  Od -  -  -
    auditor            V  V  M  -  -  -  -  -  -  -
    operator           V  -  M  -  -  -  -  -  -  -
"""

MATRIX: Final[dict[Relation, dict[Category, str]]] = {
    Relation[name.upper()]: dict(zip(_CATEGORIES, cells, strict=True))
    for name, *cells in (line.split() for line in _MATRIX.strip().splitlines())
}

_GRAINS: Final[dict[str, frozenset[Grain]]] = {
    "V": frozenset(Grain),
    "O": frozenset(Grain),
    "C": frozenset({Grain.COARSE, Grain.EXISTS}),
    "A": frozenset({Grain.TOTALS}),
    "M": frozenset({Grain.EXISTS}),
    "B": frozenset(),
    "-": frozenset(),
}


def relations_with(category: Category, grain: Grain) -> frozenset[Relation]:
    """Give the rows of the matrix whose cell opens the category at this grain."""
    return frozenset(relation for relation, cells in MATRIX.items() if grain in _GRAINS[cells[category][0]])


def behind_token(category: Category, grain: Grain, scopes: frozenset[AccessScope], *more: Rule) -> Access:
    """Make the rule of a category: a scope, a relation to which the matrix opens the grain, what else must hold."""
    scoped = (Scoped(scopes),) if scopes else ()
    return Access(category, grain, AllOf((*scoped, Related(relations_with(category, grain)), *more)))


def narrowed(access: Access, *rules: Rule) -> Access:
    """Narrow a rule: more must hold. Its scopes stay where they are printed from."""
    already = access.rule.rules if isinstance(access.rule, AllOf) else (access.rule,)
    return Access(access.category, access.grain, AllOf((*already, *rules)))


_NETWORK_SCOPES: Final = frozenset({AccessScope.NETWORK_READ, AccessScope.SELF_READ})

PUBLIC: Final = Access(Category.PUBLIC, Grain.FULL, Anyone())
"""Open to everybody."""

NETWORK: Final = behind_token(Category.NETWORK, Grain.FULL, _NETWORK_SCOPES)
"""Open to signed-in actors of the network."""

VIEWER: Final = Access(Category.CASE, Grain.EXISTS, Related(frozenset(Relation) - {Relation.ANONYMOUS}))
"""Open to everybody who carries a token, about the token itself; no row of the matrix forbids that."""

TOTALS: Final = behind_token(Category.CASE, Grain.TOTALS, frozenset({AccessScope.STATS_READ}))
"""Totals of cases, small numbers suppressed."""


def network_only(*rules: Rule) -> Access:
    """Narrow the network category to viewers for whom one of the rules holds."""
    return behind_token(Category.NETWORK, Grain.FULL, _NETWORK_SCOPES, AnyOf(rules))


SECRETARIAT: Final = Related(frozenset({Relation.CASEWORKER, Relation.LEAD}))
"""The secretariat's own people."""
