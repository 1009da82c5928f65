"""Keys of the OpenID provider: found by its own description, kept a while, looked for again when one is missing.

OpenID Connect Discovery 1.0, section 4. Keys are fresh for five minutes and then fetched anew beside the requests;
while the provider is down, those it had go on for as long as a token may live. One look at a time, and none within ten
seconds of the last, whatever strangers write into their tokens.
"""

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Final

from starlette.concurrency import run_in_threadpool

from hub.auth.clientkeys import Keys, key_set, named
from hub.auth.config import PROVIDED
from hub.auth.errors import KeyRefused, ProviderUnavailable
from hub.auth.fetching import Fetcher
from hub.auth.jose import PROVIDERS, Json, Key, fits
from hub.log import logger

FRESH_SECONDS: Final = 5 * 60.0
GOOD_SECONDS: Final = FRESH_SECONDS + PROVIDED.total_seconds()
AGAIN_SECONDS: Final = 10.0
_log = logger()

Watch = Callable[[], float]
"""Tells seconds, from whenever."""


class ProviderKeys:
    """The keys, as this process last saw them. For one event loop."""

    def __init__(self, issuer: str, fetcher: Fetcher, now: Watch) -> None:
        self.version = 0
        """Grows with every change: who caches what a key verified looks at it."""
        self._issuer: Final = issuer
        self._fetcher: Final = fetcher
        self._now: Final = now
        self.described: Json = {}
        """What the provider tells of itself; empty until it is `ready`."""
        self._keys: Keys = {}
        self._fresh_until = self._good_until = self._again_at = now()
        self._looking: asyncio.Future[None] | None = None

    async def ready(self) -> None:
        """See to it that there are keys, and that they do not grow old. Waits only where there are none.

        Raises:
            ProviderUnavailable: there are none to be had.
        """
        now = self._now()
        if now >= self._fresh_until:
            looking = self._look()
            if now >= self._good_until and looking is not None:
                await asyncio.shield(looking)
        if self._now() >= self._good_until:
            raise ProviderUnavailable(retry_seconds=max(1, ceil(self._again_at - self._now())))

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """Find the key a token names, looking for newer ones where it is missing. `ready` came before."""
        if named(self._keys, kid) is None:
            looking = self._look()
            if looking is not None:
                await asyncio.shield(looking)
        key = named(self._keys, kid)
        return key if key is not None and fits(key, algorithm) else None

    def _look(self) -> "asyncio.Future[None] | None":
        """Begin to look, or join in where somebody does; None when it is too soon."""
        if self._looking is not None and not self._looking.done():
            return self._looking
        if self._now() < self._again_at:
            return None
        self._looking = asyncio.ensure_future(run_in_threadpool(self._refresh))
        return self._looking

    def _refresh(self) -> None:
        try:
            described = self._description()
            keys = key_set(self._fetcher.fetch(described["jwks_uri"]), PROVIDERS)
        except KeyRefused as error:
            _log.warning("openid.keys_not_fetched", reason=error.reason)
        else:
            self.described = described
            if _prints(keys) != _prints(self._keys):
                self._keys = keys
                self.version += 1
            self._fresh_until = self._now() + FRESH_SECONDS
            self._good_until = self._now() + GOOD_SECONDS
        finally:
            self._again_at = self._now() + AGAIN_SECONDS

    def _description(self) -> Json:
        """Ask the provider what it is and where its keys are."""
        described = self._fetcher.fetch(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        if described.get("issuer") != self._issuer or not isinstance(described.get("jwks_uri"), str):
            raise KeyRefused("as the issuer describes another, or names no keys")
        return described


def _prints(keys: Keys) -> dict[str | None, str]:
    return {kid: key.thumbprint() for kid, key in keys.items()}
