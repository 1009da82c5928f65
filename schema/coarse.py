"""The coarse form of what lies sealed: each function takes what an envelope holds, and gives what its field tells.

Of what a partner wrote that cannot be read there is no coarse form: None, and the envelope stays as it is. What leaves
the hub is cut by the same functions as what is shown.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from schema.vocabulary import REGION_OF, Region

Content: TypeAlias = Mapping[str, Any]  # Any: what JSON holds
Cut: TypeAlias = Callable[[Content], Any]

PERSONS_MOST: Final = 50
"""Of one household."""
_REGIONS: Final = frozenset(region.value for region in Region)
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-\d\d)?", re.ASCII)


def current_region(location: Content) -> str | None:
    """Give the region where the person is as its code: the one named, or else that of the country."""
    named, country = location.get("current_region"), location.get("country")
    if isinstance(named, str) and named in _REGIONS:
        return named
    region = REGION_OF.get(country) if isinstance(country, str) else None
    return None if region is None else region.value


def arrival_month(location: Content) -> str | None:
    """Give the month of arrival as its first day. A day that stands in its place is cut."""
    for name in ("arrival_month", "arrival_on"):
        found = location.get(name)
        if isinstance(found, str) and _MONTH.fullmatch(found):
            return f"{found[:7]}-01"
    return None


def security_advice(advice: Content) -> Any:
    """Give what a host must know to keep the person safe."""
    return advice.get("security_advice")


def care_needs(health: Content) -> Any:
    """Give what a host must provide."""
    return health.get("care_needs")


def household(family: Content) -> dict[str, int] | None:
    """Give who would travel, by number: both numbers, or none."""
    found = family.get("household")
    counts = {name: found.get(name) for name in ("adults", "children")} if isinstance(found, dict) else {}
    whole = {name: n for name, n in counts.items() if type(n) is int and 0 <= n <= PERSONS_MOST}
    return whole if len(whole) == 2 else None  # noqa: PLR2004  # adults and children


def opinion(assessment: Content) -> Any:
    """Give the outcome of the newest assessment."""
    return assessment.get("opinion")
