"""Which networks there are. A literal table; a new one adds a line."""

from typing import Any, Final, NamedTuple

from connectors.errors import Unsupported
from connectors.networks import icorn, pen_international, scholars_at_risk
from connectors.signed import Settings, SignedPartner


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
