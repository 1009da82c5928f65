"""Settings: one frozen value, read once from the environment and passed down. Nothing else reads the environment.

Every setting works when absent. `docs/operations.md` tells operators about each; a test holds the two together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from hub.errors import SettingsRefused

T = TypeVar("T")
PORT_MAX: Final = 65535
LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Environment(StrEnum):
    """Where the hub runs. Production refuses unsafe settings."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """The least important line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Registration(StrEnum):
    """Whether clients may register themselves."""

    CLOSED = "closed"
    OPEN = "open"


class ClientKeys(StrEnum):
    """Where clients' keys may be fetched from."""

    PUBLIC = "public"
    LOOPBACK = "loopback"


class PartnerPlaces(StrEnum):
    """Where partners may be."""

    PUBLIC = "public"
    LOOPBACK = "loopback"


class Delivery(StrEnum):
    """Which process brings deliveries to partners."""

    HERE = "here"
    ELSEWHERE = "elsewhere"


class OwnTokens(StrEnum):
    """Whether the graph takes the hub's own tokens."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class ProviderTokens(StrEnum):
    """What a provider's access tokens call themselves."""

    TYPED = "at+jwt"
    ANY = "jwt"


class Bearer(StrEnum):
    """Whether a provider's tokens are taken without a key."""

    REFUSED = "refused"
    ALLOWED = "allowed"


ClaimPath = tuple[str, ...]
CLAIM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimNames:
    """Which claims of a provider's token say what. Each is a path through objects; None is said by none."""

    client: ClaimPath = ("client_id",)
    scopes: ClaimPath = ("scope",)
    body: ClaimPath | None = None
    roles: ClaimPath | None = None
    city: ClaimPath | None = None

    def __str__(self) -> str:
        """Write the form that `read` reads."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return " ".join(f"{name}={'.'.join(path)}" for name, path in named if path is not None)

    @classmethod
    def read(cls, text: str) -> "ClaimNames":
        """Read a form such as `client=azp roles=realm_access.roles`. What is not named stays as it is."""
        known = {field.name for field in fields(cls)}
        given: dict[str, ClaimPath] = {}
        for part in text.split():
            name, _, path = part.partition("=")
            if name not in known or name in given or CLAIM.fullmatch(path) is None:
                names = ", ".join(sorted(known))
                raise ValueError(f"must be of the form client=client_id scopes=scope; may name {names}, each once")
            given[name] = tuple(path.split("."))
        return cls(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator decides."""

    environment: Environment = Environment.DEVELOPMENT
    """HUB_ENV: `development` or `production`."""
    database_url: str | None = None
    """HUB_DATABASE_URL: a PostgreSQL 16 to 18; the embedded one when absent."""
    data_dir: Path = Path("data")
    """HUB_DATA_DIR: folder of the embedded database."""
    host: str = "127.0.0.1"
    """HUB_HOST: address to listen on."""
    port: int = 8000
    """HUB_PORT: port to listen on."""
    base_url: str | None = None
    """HUB_BASE_URL: address under which the world sees the hub; `http://HUB_HOST:HUB_PORT` when absent."""
    proxies: int | None = None
    """HUB_PROXIES: proxies in front that add to X-Forwarded-For; 1 when HUB_BASE_URL is https, else 0."""
    issuer: str | None = None
    """HUB_ISSUER: issuer of access tokens; the base address when absent."""
    root_key_file: Path | None = None
    """HUB_ROOT_KEY_FILE: file of the root key; `root.key` in HUB_DATA_DIR when absent. Made at the first start."""
    registration: Registration = Registration.CLOSED
    """HUB_REGISTRATION: `closed`, or `open` where clients may register themselves, without any scope."""
    client_keys: ClientKeys = ClientKeys.PUBLIC
    """HUB_CLIENT_KEYS: where a client's jwks_uri may be: `public`, or `loopback` too for demonstrations."""
    partner_places: PartnerPlaces = PartnerPlaces.PUBLIC
    """HUB_PARTNER_PLACES: where partners may be: `public`, or `loopback` too, as http, for sandboxes."""
    delivery: Delivery = Delivery.HERE
    """HUB_DELIVERY: `here` to bring deliveries in the process that serves, `elsewhere` to leave it to `worker`."""
    own_tokens: OwnTokens = OwnTokens.ACCEPTED
    """HUB_OWN_TOKENS: whether the graph takes the hub's own tokens beside those of a provider."""
    openid_issuer: str | None = None
    """HUB_OPENID_ISSUER: an OpenID provider whose access tokens are taken too."""
    openid_audience: str | None = None
    """HUB_OPENID_AUDIENCE: what its tokens must be for; the graph's address when absent."""
    openid_claims: ClaimNames = ClaimNames()
    """HUB_OPENID_CLAIMS: which of its claims say what."""
    openid_tokens: ProviderTokens = ProviderTokens.TYPED
    """HUB_OPENID_TOKENS: what its tokens call themselves: `at+jwt`, or `jwt` for those that do not say."""
    openid_client: str | None = None
    """HUB_OPENID_CLIENT: id of the hub as a client of the provider, where people sign in by it."""
    openid_bearer: Bearer = Bearer.REFUSED
    """HUB_OPENID_BEARER: whether its tokens that are bound to no key are taken."""
    read_connections: int = 8
    """HUB_READ_CONNECTIONS: connections held for reading, per process."""
    statement_timeout_ms: int = 2000
    """HUB_STATEMENT_TIMEOUT_MS: longest time one reading statement may take."""
    body_bytes_max: int = 256 * 1024
    """HUB_BODY_BYTES_MAX: largest request body."""
    cost_max: int = 5000
    """HUB_COST_MAX: highest cost of one operation."""
    cost_per_minute: int = 100_000
    """HUB_COST_PER_MINUTE: cost one client may run up in a minute, in each process."""
    oauth_per_minute: int = 600
    """HUB_OAUTH_PER_MINUTE: requests to /oauth/ of one client, or one address, in a minute, in each process."""
    handoff_per_minute: int = 600
    """HUB_HANDOFF_PER_MINUTE: requests of one partner, or one address, in a minute, in each process."""
    requests_at_once: int = 50
    """HUB_REQUESTS_AT_ONCE: requests of one body that run at once, in each process."""
    streams: int = 500
    """HUB_STREAMS: streams open at once, in each process."""
    streams_of_one: int = 20
    """HUB_STREAMS_OF_ONE: streams of one body open at once, in each process."""
    depth_max: int = 15
    """HUB_DEPTH_MAX: deepest nesting of one operation."""
    log_level: LogLevel = LogLevel.INFO
    """HUB_LOG_LEVEL: `debug`, `info`, `warning` or `error`."""

    @property
    def embedded(self) -> bool:
        """True when the hub keeps its own database server."""
        return self.database_url is None

    @property
    def root_key(self) -> Path:
        """The file of the root key."""
        return self.root_key_file or self.data_dir / "root.key"

    @property
    def public_url(self) -> str:
        """The address under which the world sees the hub."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def proxies_in_front(self) -> int:
        """How many proxies stand in front. The hub speaks no TLS, so behind https there is one at least."""
        if self.proxies is None:
            return int(self.public_url.startswith("https:"))
        return self.proxies

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; names beginning with HUB_ that are no setting are refused, as they are misspelt."""
        unknown = sorted(name for name in environ if name.startswith("HUB_") and name not in READERS)
        if unknown:
            raise SettingsRefused(setting=unknown[0], reason="there is no such setting")
        given = {}
        for name, (field, read) in READERS.items():
            text = environ.get(name, "").strip()
            if text:
                given[field] = _read(name, text, read)
        settings = cls(**given)  # type: ignore[arg-type]  # READERS pairs each field with a reader of its type
        settings.refuse_senseless()
        return settings

    def refuse_senseless(self) -> None:
        """Refuse what does not go together, wherever the hub runs."""
        if self.own_tokens is OwnTokens.REFUSED and self.openid_issuer is None:
            reason = "nobody could come in: name a provider in HUB_OPENID_ISSUER, or accept the hub's own tokens"
            raise SettingsRefused(setting="HUB_OWN_TOKENS", reason=reason)
        if self.openid_client is not None and self.openid_issuer is None:
            raise SettingsRefused(setting="HUB_OPENID_CLIENT", reason="name the provider in HUB_OPENID_ISSUER")
        if self.openid_issuer is not None and self.openid_issuer.rstrip("/") in {self.issuer, self.public_url}:
            raise SettingsRefused(setting="HUB_OPENID_ISSUER", reason="that is the hub itself: name another server")

    def refuse_unsafe(self, *, euid: int | None) -> None:
        """Refuse what must not go into production; outside production anything goes.

        Args:
            euid: effective user id of the process; None where there is no such thing.
        """
        if self.environment is not Environment.PRODUCTION:
            return
        if self.embedded and euid == 0:
            reason = "the embedded database must not be run by root: run the hub as a user of its own, or set this"
            raise SettingsRefused(setting="HUB_DATABASE_URL", reason=reason)
        named = {"HUB_BASE_URL": self.base_url, "HUB_ISSUER": self.issuer, "HUB_OPENID_ISSUER": self.openid_issuer}
        for name, url in named.items():
            if url is not None and urlsplit(url).scheme != "https":
                raise SettingsRefused(setting=name, reason="tokens and data must not travel without TLS: use https")
        if self.host not in LOCAL and self.base_url is None:
            reason = "the hub listens beyond this machine: name the https address of the proxy in front of it"
            raise SettingsRefused(setting="HUB_BASE_URL", reason=reason)
        if self.client_keys is ClientKeys.LOOPBACK:
            reason = "keys of clients must not come from the hub's own machine: use public"
            raise SettingsRefused(setting="HUB_CLIENT_KEYS", reason=reason)
        if self.partner_places is PartnerPlaces.LOOPBACK:
            reason = "persons must not be handed to the hub's own machine, without TLS: use public"
            raise SettingsRefused(setting="HUB_PARTNER_PLACES", reason=reason)
        if self.log_level is LogLevel.DEBUG:
            reason = "libraries log more than the hub does at debug: use info"
            raise SettingsRefused(setting="HUB_LOG_LEVEL", reason=reason)


def _read(name: str, text: str, read: Callable[[str], object]) -> object:
    try:
        return read(text)
    except ValueError as error:
        raise SettingsRefused(setting=name, reason=str(error)) from error


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def _one_of(values: type[StrEnum]) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            return values(text.lower())
        except ValueError:
            raise ValueError(f"must be one of {', '.join(values)}") from None

    return read


def _postgresql(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("must begin with postgresql://")
    if parts.path.strip("/") == "":
        raise ValueError("must name a database, as in postgresql://user@machine/hub")
    return text


def _web(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an absolute address that begins with https:// or http://")
    if parts.query or parts.fragment:
        raise ValueError("must have neither a query nor a fragment")
    return text.rstrip("/")


def _issuer(text: str) -> str:
    _web(text)
    return text


def _text(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("must be printable ASCII")
    return text


def _path(text: str) -> Path:
    return Path(text).expanduser()


READERS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "HUB_ENV": ("environment", _one_of(Environment)),
    "HUB_DATABASE_URL": ("database_url", _postgresql),
    "HUB_DATA_DIR": ("data_dir", _path),
    "HUB_HOST": ("host", str),
    "HUB_PORT": ("port", _whole(0, PORT_MAX)),
    "HUB_BASE_URL": ("base_url", _web),
    "HUB_PROXIES": ("proxies", _whole(0, 9)),
    "HUB_ISSUER": ("issuer", _web),
    "HUB_ROOT_KEY_FILE": ("root_key_file", _path),
    "HUB_REGISTRATION": ("registration", _one_of(Registration)),
    "HUB_CLIENT_KEYS": ("client_keys", _one_of(ClientKeys)),
    "HUB_PARTNER_PLACES": ("partner_places", _one_of(PartnerPlaces)),
    "HUB_DELIVERY": ("delivery", _one_of(Delivery)),
    "HUB_OWN_TOKENS": ("own_tokens", _one_of(OwnTokens)),
    "HUB_OPENID_ISSUER": ("openid_issuer", _issuer),
    "HUB_OPENID_AUDIENCE": ("openid_audience", _text),
    "HUB_OPENID_CLAIMS": ("openid_claims", ClaimNames.read),
    "HUB_OPENID_TOKENS": ("openid_tokens", _one_of(ProviderTokens)),
    "HUB_OPENID_CLIENT": ("openid_client", _text),
    "HUB_OPENID_BEARER": ("openid_bearer", _one_of(Bearer)),
    "HUB_READ_CONNECTIONS": ("read_connections", _whole(1, 200)),
    "HUB_STATEMENT_TIMEOUT_MS": ("statement_timeout_ms", _whole(10, 600_000)),
    "HUB_BODY_BYTES_MAX": ("body_bytes_max", _whole(1024, 64 * 1024 * 1024)),
    "HUB_COST_MAX": ("cost_max", _whole(1, 10_000_000)),
    "HUB_COST_PER_MINUTE": ("cost_per_minute", _whole(1, 2**31 - 1)),
    "HUB_OAUTH_PER_MINUTE": ("oauth_per_minute", _whole(1, 2**31 - 1)),
    "HUB_HANDOFF_PER_MINUTE": ("handoff_per_minute", _whole(1, 2**31 - 1)),
    "HUB_REQUESTS_AT_ONCE": ("requests_at_once", _whole(1, 100_000)),
    "HUB_STREAMS": ("streams", _whole(1, 1_500)),
    "HUB_STREAMS_OF_ONE": ("streams_of_one", _whole(1, 1_500)),
    "HUB_DEPTH_MAX": ("depth_max", _whole(1, 100)),
    "HUB_LOG_LEVEL": ("log_level", _one_of(LogLevel)),
}
