"""Keys of clients: pasted, or fetched from where the client publishes them.

What is fetched is kept 20 minutes, with one more look a minute for a key that is not among them; `fetching` says where
it may come from. 20 keys at most.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.auth.clients import Client
from hub.auth.errors import KeyRefused
from hub.auth.fetching import Fetcher
from hub.auth.jose import ALGORITHMS, Key, fits, public_key

KEYS_MAX: Final = 20
KEEP_SECONDS: Final = 20 * 60.0
AGAIN_SECONDS: Final = 60.0

Keys = Mapping[str | None, Key]
"""By key id; a set of one key without an id holds it under None."""


@dataclass(slots=True)
class _Fetched:
    keys: Keys
    until: float
    again_at: float


class ClientKeys:
    """Finds the key that checks a client's signature. Threads share it."""

    def __init__(self, fetcher: Fetcher, now: Callable[[], float] = time.monotonic) -> None:
        """Take what goes out, and a watch that tells seconds."""
        self._fetcher: Final = fetcher
        self._now: Final = now
        self._fetched: dict[str, _Fetched] = {}
        self._gates: dict[str, threading.Lock] = {}
        self._lock: Final = threading.Lock()

    def find(self, client: Client, *, kid: str | None, algorithm: str) -> Key | None:
        """Find the key an assertion names: RFC 7515, section 4.1.4. Without an id, a client of one key means that one.

        Returns:
            a key of the algorithm's kind, or None. A key set that cannot be fetched holds no key.
        """
        try:
            keys = self._keys(client, kid)
        except KeyRefused:
            return None
        key = named(keys, kid)
        return key if key is not None and fits(key, algorithm) else None

    def _keys(self, client: Client, kid: str | None) -> Keys:
        if client.jwks_uri is None:
            return key_set(client.jwks or {})
        with self._lock:
            gate = self._gates.setdefault(client.jwks_uri, threading.Lock())
        with gate:
            now = self._now()
            known = self._fetched.get(client.jwks_uri)
            if known is not None:
                missing = kid is not None and kid not in known.keys
                if now < (known.again_at if missing else known.until):
                    return known.keys
            old = {} if known is None else known.keys
            # What cannot be fetched is not asked for again at once, and the old keys go on.
            self._fetched[client.jwks_uri] = _Fetched(old, until=now + AGAIN_SECONDS, again_at=now + AGAIN_SECONDS)
            keys = key_set(self._fetcher.fetch(client.jwks_uri))
            self._fetched[client.jwks_uri] = _Fetched(keys, until=now + KEEP_SECONDS, again_at=now + AGAIN_SECONDS)
            return keys


def named(keys: Keys, kid: str | None) -> Key | None:
    """Give the key of an id; without an id, the one of a set of one."""
    return next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(kid)


def key_set(jwks: Mapping[str, Any], algorithms: tuple[str, ...] = ALGORITHMS) -> Keys:
    """Read a key set: RFC 7517, section 5. Keys that are no use here are passed over, private ones refuse the set.

    Raises:
        KeyRefused: it is no key set, holds too many keys, or a private one.
    """
    listed = jwks.get("keys")
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise KeyRefused("as it is no key set of at most 20 keys")
    keys: dict[str | None, Key] = {}
    for jwk in listed:
        if not isinstance(jwk, dict) or "d" in jwk or "k" in jwk:
            raise KeyRefused("because a private key is in its set")
        kid = jwk.get("kid")
        if kid is not None and not isinstance(kid, str):
            continue
        try:
            key = public_key(jwk, algorithms)
        except KeyRefused:
            continue
        if kid in keys:
            raise KeyRefused("as two keys of its set have the same id")
        keys[kid] = key
    return keys
