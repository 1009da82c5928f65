"""The partners as the hub speaks with them: made from what the registry says at the moment, kept while it says so."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from connectors.registry import network
from connectors.signed import Reach, Settings, SignedPartner
from connectors.signing import Me
from hub.clock import Clock
from hub.partners import registry
from hub.partners.errors import PartnerUnknown
from hub.partners.keys import OwnKeys
from hub.partners.registry import Known

Speaking = SignedPartner[Settings]
KEEP_SECONDS: Final = 2.0
"""How long a connection to a partner is kept for the next message. Servers close idle ones after five, at the least.

And how long it is remembered who a partner is, for those who ask again in the transaction in which they act.
"""


class Book:
    """Gives the partner that a body is. Threads share it; what it gives is used in one event loop."""

    def __init__(
        self,
        engine: Engine,
        keys: OwnKeys,
        clock: Clock,
        *,
        loopback: bool = False,
        watch: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what is needed.

        Args:
            engine: writes.
            keys: ours.
            clock: tells the time.
            loopback: whether partners may be on this machine: for sandboxes alone.
            watch: tells seconds, for what is remembered.
        """
        self._watch: Final = watch
        self._engine: Final = engine
        self._keys: Final = keys
        self._clock: Final = clock
        self._loopback: Final = loopback
        self._speaking: dict[UUID, tuple[Known, Me, Speaking]] = {}
        self._asked_at: dict[UUID, float] = {}
        self._left: list[Speaking] = []
        self._lock: Final = threading.Lock()

    def me(self) -> Me:
        """Give our side of the wire. May block."""
        return self._keys.me()

    def partner_of(self, organisation_id: UUID, connection: Connection | None = None) -> Speaking:
        """Give the partner that a body is, as the registry knows it now. May block.

        Raises:
            PartnerUnknown: the body is none, is suspended, or is cut off.
        """
        with self._connected(connection) as reading:
            known = registry.by_body(reading, organisation_id)
        if known is None:
            raise PartnerUnknown
        return self._speaker(known)

    def of_body(self, organisation_id: UUID) -> tuple[Known, Speaking]:
        """Give the partner that a body is, and what the registry knows of it. May block.

        Raises:
            PartnerUnknown: as `partner_of`.
        """
        with self._engine.connect() as reading:
            known = registry.by_body(reading, organisation_id)
        if known is None:
            raise PartnerUnknown
        return known, self._speaker(known)

    def remembered(self, organisation_id: UUID) -> tuple[Known, Speaking] | None:
        """Give the partner that a body was a moment ago; None where that was not asked. Who acts on it asks again."""
        with self._lock:
            asked_at = self._asked_at.get(organisation_id)
            if asked_at is None or self._watch() - asked_at >= KEEP_SECONDS:
                return None
            known, _, speaking = self._speaking[organisation_id]
            return known, speaking

    def of_issuer(self, issuer: str) -> tuple[Known, Speaking]:
        """Give the partner of this name in messages. May block.

        Raises:
            PartnerUnknown: there is none, or it is suspended or cut off.
        """
        with self._engine.connect() as reading:
            known = registry.by_issuer(reading, issuer)
        if known is None:
            raise PartnerUnknown
        return known, self._speaker(known)

    async def aclose(self) -> None:
        """Let go of all partners."""
        with self._lock:
            leaving = [*self._left, *(speaking for _, _, speaking in self._speaking.values())]
            self._left, self._speaking, self._asked_at = [], {}, {}
        for each in leaving:
            await each.aclose()

    def _speaker(self, known: Known) -> Speaking:
        me = self._keys.me()
        with self._lock:
            self._asked_at[known.organisation_id] = self._watch()
            kept = self._speaking.get(known.organisation_id)
            if kept is not None and kept[0] == known and kept[1] is me:
                return kept[2]
            if kept is not None:
                # Somebody may be speaking with it still.
                self._left.append(kept[2])
            made = self._made(known, me)
            self._speaking[known.organisation_id] = (known, me, made)
            return made

    def _made(self, known: Known, me: Me) -> Speaking:
        found = network(known.network)
        reach = Reach(
            issuer=known.issuer,
            base=known.base,
            jwks_uri=known.jwks_uri,
            pins=known.pins,
            capabilities=known.capabilities,
            loopback=self._loopback,
            keep_seconds=KEEP_SECONDS,
        )
        return found.partner(found.settings(reach=reach), me, now=self._clock.now)

    @contextmanager
    def _connected(self, connection: Connection | None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
            return
        with self._engine.connect() as own:
            yield own
