"""The seam between tokens and people: who is signed in, and what an account may do now.

The authorization server asks; the room of people answers. Both calls may block on the database: they are made in a
worker thread, never on the event loop.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from schema.vocabulary import AccessScope, Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person's account as tokens see it: no name, no address."""

    id: UUID
    relation: Relation
    """The row of the access matrix the person stands in."""
    organisation_id: UUID | None = None
    city_id: UUID | None = None
    amr: tuple[str, ...] = ()
    """How the person signed in: RFC 8176, section 2. Empty outside a session."""
    auth_time: datetime | None = None
    """When the person signed in, aware. None outside a session."""
    scopes: frozenset[AccessScope] = frozenset()
    """All that the person may be given; a token never carries more."""


class Sessions(Protocol):
    """Knows who is signed in."""

    def current(self, cookie_header: str) -> Account | None:
        """Find the live session the cookies name.

        Args:
            cookie_header: the request's Cookie header as it came; empty when there is none.

        Returns:
            the account with `amr` and `auth_time`, or None: no session, expired, ended, or the account is suspended.
        """
        ...

    def account(self, account_id: UUID) -> Account | None:
        """Give an account as it stands now, asked whenever a token is refreshed. None when unknown or suspended."""
        ...


class NobodySignedIn:
    """Sessions of a hub without people: machines only."""

    def current(self, cookie_header: str) -> Account | None:  # noqa: ARG002  # the protocol's
        """Find nobody."""
        return None

    def account(self, account_id: UUID) -> Account | None:  # noqa: ARG002  # the protocol's
        """Know nobody."""
        return None
