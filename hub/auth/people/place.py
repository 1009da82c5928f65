"""Where people find the hub: what browsers call its origin, and what its cookies may be called.

Browsers take a name that begins with `__Host-` only with `Secure`, and `Secure` not over plain http. So in development,
over plain http on this machine and nowhere else, the cookies go without both.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hub.settings import Environment, Settings

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORT: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The hub's origin, as browsers see it."""

    origins: tuple[str, ...]
    """Origins that forms and passkeys may come from; the first is the hub's own address."""
    rp_id: str
    """The name passkeys are bound to. Browsers take no number for it."""
    secure: bool
    """Whether cookies are `Secure` and have names beginning with `__Host-`."""
    proxies: int = 0
    """How many proxies in front add to `X-Forwarded-For`."""

    @classmethod
    def of(cls, settings: Settings) -> "Place":
        """Derive the place from the settings."""
        parts = urlsplit(settings.public_url)
        host = (parts.hostname or "").lower()
        port = "" if parts.port in {None, _DEFAULT_PORT[parts.scheme]} else f":{parts.port}"
        shown = f"[{host}]" if ":" in host else host
        origin = f"{parts.scheme}://{shown}{port}"
        plain = settings.environment is Environment.DEVELOPMENT and parts.scheme == "http" and _loopback(host)
        if not plain:
            return cls(origins=(origin,), rp_id=host, secure=True, proxies=settings.proxies_in_front)
        others = (f"http://{name}{port}" for name in LOOPBACK)
        return cls(
            origins=tuple(dict.fromkeys((origin, *others))),
            rp_id="localhost",
            secure=False,
            proxies=settings.proxies_in_front,
        )

    def address(self, peer: str, forwarded: str) -> str:
        """Give the address a request came from: what the outermost of our own proxies saw.

        Args:
            peer: who holds the connection.
            forwarded: X-Forwarded-For; all but its last entries are the sender's own words.
        """
        seen = [entry.strip() for entry in forwarded.split(",") if entry.strip()]
        return seen[-self.proxies] if 0 < self.proxies <= len(seen) else peer

    def cookie(self, name: str) -> str:
        """Give the full name of a cookie."""
        return f"__Host-{name}" if self.secure else name


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
