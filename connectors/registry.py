"""Which networks there are. A literal table; a new one adds a line."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from connectors.egress import Egress
from connectors.errors import Unsupported
from connectors.networks import icorn, pen_international, scholars_at_risk
from connectors.protocol import Partner
from connectors.signed import Settings, SignedPartner
from connectors.signing import Me


class Network(NamedTuple):
    """One network: what its settings are, and who speaks with it."""

    settings: type[Settings]
    partner: type[SignedPartner[Any]]  # Any: each takes settings of its own


NETWORKS: Final[dict[str, Network]] = {
    "icorn": Network(icorn.Settings, icorn.Icorn),
    "pen_international": Network(pen_international.Settings, pen_international.PenInternational),
    "scholars_at_risk": Network(scholars_at_risk.Settings, scholars_at_risk.ScholarsAtRisk),
}


def network(name: str) -> Network:
    """Look a network up.

    Raises:
        Unsupported: there is no such network.
    """
    found = NETWORKS.get(name)
    if found is None:
        raise Unsupported("there is no such network", network=name)
    return found


def speak(
    name: str, settings: Settings, me: Me, *, now: Callable[[], datetime], egress: Egress | None = None
) -> Partner:
    """Make who speaks with a partner of a network.

    Args:
        name: the network.
        settings: of the type the network names.
        me: our side.
        now: tells the present.
        egress: where we may go; to the partner's own places when absent.
    """
    found = network(name)
    assert isinstance(settings, found.settings), name
    return found.partner(settings, me, now=now, egress=egress)
