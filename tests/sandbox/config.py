"""What a sandbox partner is told: one JSON file."""

from pathlib import Path

import msgspec


class Hub(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other side."""

    issuer: str
    base: str = ""
    """Address below which it speaks the protocol; its issuer when absent."""
    jwks_uri: str = ""
    """Where it publishes the keys of its messages; `/handoff/jwks` below the base when absent."""
    graphql: str = ""
    """Address of its graph; sent as the resource of the token when given."""
    client_id: str = ""
    """Client at its authorization server; empty: reads are signed, without a token."""
    key: dict[str, str] = {}
    """Private JWK of that client."""
    scope: str = ""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this partner works. Times are seconds after the step before; a negative one means never."""

    receipt: str = "answer"
    """`answer`: the receipt comes back at once where the packet can be fetched; `push`: always later."""
    fetch_seconds: float = 0.0
    """How long after a notice the packet is fetched, where the receipt comes later."""
    take_seconds: float = 0.2
    decide_seconds: float = 0.2
    start_seconds: float = 0.2
    outcome_seconds: float = 0.2
    decision: str = "accept"
    """`accept`, `decline`, `waitlist`."""
    decline_reason: str = ""
    """In the network's own words; its first one when empty."""
    closing_reason: str = ""
    certificate: str = "answer"
    """`answer`: at once; `push`: later; `never`."""
    confirm: bool = True
    """Confirm outcomes of its own referrals."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sandbox partner."""

    network: str
    data: Path
    hub: Hub
    port: int = 0
    issuer: str = ""
    behaviour: Behaviour = Behaviour()
    rate: float = 0.0
    """Share of requests that meet a bad day, seeded."""
    seed: int = 1
    kinds: tuple[str, ...] = ()
    """Which bad days the rate chooses from; all when empty."""
    slow_seconds: float = 1.0
    """How long the bad day `slow` takes, and how late `late` is."""
    hang_seconds: float = 60.0
    """How long nothing is answered on the bad day `timeout`."""
    fetch_timeout_seconds: float = 5.0
    sync: str = "FULL"
    """SQLite's `synchronous`: FULL for power cuts, NORMAL is enough for kill -9."""
    jwks: dict[str, list[dict[str, str]]] = {}
    """Private keys of its messages; made and kept in its folder when absent."""


def read(path: Path | None, **given: object) -> Config:
    """Read the file, with what was given by hand on top."""
    told = msgspec.json.decode(path.read_bytes()) if path else {}
    hub = told.get("hub", {}) | {name[4:]: value for name, value in given.items() if name.startswith("hub_") and value}
    own = {name: value for name, value in given.items() if not name.startswith("hub_") and value is not None}
    return msgspec.convert(told | own | {"hub": hub}, Config, dec_hook=lambda kind, value: kind(value))
