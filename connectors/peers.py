"""Public keys of the other side, from where it publishes them: kept, and looked at again for a key we do not know."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

from connectors.egress import Egress
from connectors.errors import ConnectorError, Unavailable
from connectors.signing import Peer, loads, peer_from

KEEP_SECONDS: Final = 20 * 60.0
AGAIN_SECONDS: Final = 60.0
NONE_SECONDS: Final = 2.0
_OK: Final = 200


@dataclass
class PeerKeys:
    """Finds a peer's keys. Kept 20 minutes; for a key that is not among them one more look a minute.

    While none are known, as after a start beside a partner that is down, they are looked for every two seconds.
    """

    issuer: str
    jwks_uri: str
    egress: Egress
    again_seconds: float = AGAIN_SECONDS
    none_seconds: float = NONE_SECONDS
    clock: Callable[[], float] = time.monotonic
    _known: Peer | None = None
    _until: float = 0.0
    _again_at: float = 0.0
    _gate: anyio.Lock = field(default_factory=anyio.Lock)

    async def find(self, kid: str | None = None) -> Peer:
        """Give the peer with its keys.

        Args:
            kid: the key that is needed; None when any set will do.

        Raises:
            ConnectorError: they cannot be had, and none are known.
        """
        async with self._gate:
            now = self.clock()
            missing = self._known is None or (kid is not None and kid not in self._known.keys)
            if self._known is not None and now < (self._again_at if missing else self._until):
                return self._known
            if self._known is None and now < self._again_at:
                raise Unavailable("the keys could not be had a moment ago", issuer=self.issuer)
            self._again_at = now + self.again_seconds
            try:
                self._known = await self._fetched()
            except ConnectorError:
                if self._known is None:
                    self._again_at = self.clock() + self.none_seconds
                    raise
                # The old keys go on for a while.
                self._until = self._again_at
            else:
                self._until = now + KEEP_SECONDS
            return self._known

    async def _fetched(self) -> Peer:
        reply = await self.egress.get(self.jwks_uri, headers={"accept": "application/jwk-set+json, application/json"})
        if reply.status != _OK:
            raise Unavailable("the keys cannot be had", status=reply.status)
        return peer_from(self.issuer, loads(reply.body))
