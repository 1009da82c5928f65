"""Whether a consent covers a use: category, purpose, recipient, day. Pure.

Deny is the default: what is not given, not for this purpose, not to this body, not today, is not covered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from schema.standing import RUNNING
from schema.vocabulary import Category, ConsentState, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person said about one body."""

    person_id: UUID
    recipient_id: UUID
    categories: tuple[Category, ...]
    purposes: tuple[Purpose, ...]
    state: ConsentState
    from_on: date
    until_on: date
    withdrawn: bool = False

    def runs(self, day: date) -> bool:
        """Tell whether it counts on a day; first and last day are within."""
        return self.state in RUNNING and not self.withdrawn and self.from_on <= day <= self.until_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What somebody wants to do with a person's data."""

    person_id: UUID
    recipient_id: UUID
    purpose: Purpose
    day: date


def covered(given: Given, use: Use) -> frozenset[Category]:
    """Tell the categories that a consent opens to a use."""
    named = (given.person_id, given.recipient_id) == (use.person_id, use.recipient_id)
    if not named or not given.runs(use.day) or use.purpose not in given.purposes:
        return frozenset()
    return frozenset(given.categories)


def covers(given: Given, use: Use, categories: Iterable[Category]) -> bool:
    """Tell whether a consent opens all of the categories to a use. To nothing it never does."""
    wanted = frozenset(categories)
    return bool(wanted) and wanted <= covered(given, use)


def narrowed(given: Given, keep: Iterable[Category], until: date | None = None) -> Given:
    """Tell what is left of a consent: never more than there was, whatever is asked.

    Args:
        given: as it was asked for or given.
        keep: categories to keep; nothing left is a refusal.
        until: an earlier last day.
    """
    kept = frozenset(keep)
    left = tuple(category for category in given.categories if category in kept)
    last = given.until_on if until is None else min(until, given.until_on)
    if not left:
        return replace(given, categories=(), state=ConsentState.REFUSED, until_on=last)
    whole = left == given.categories and given.state is not ConsentState.LIMITED
    state = ConsentState.GIVEN if whole else ConsentState.LIMITED
    return replace(given, categories=left, state=state, until_on=last)
