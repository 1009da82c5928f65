"""One loader for each file: its columns, what it needs before it, and how its lines become records."""

from hub.facts.loaders.base import Loader
from hub.facts.loaders.bodies import ORGANISATIONS
from hub.facts.loaders.checks import ACCESS_MATRIX, REFERRAL_TRANSITIONS
from hub.facts.loaders.cities import CITIES, MEMBERSHIPS, PERMIT_ROUTES
from hub.facts.loaders.grounds import SOURCES, VOCABULARIES
from hub.facts.loaders.history import BOARD_TERMS, EVENTS_PROJECTS, OFFICIAL_TOTALS, RESOLUTIONS, TIMELINE
from hub.facts.loaders.people import RESIDENTS_PUBLIC

LOADERS: dict[str, Loader] = {
    loader.file: loader
    for loader in (
        SOURCES,
        VOCABULARIES,
        ACCESS_MATRIX,
        REFERRAL_TRANSITIONS,
        ORGANISATIONS,
        PERMIT_ROUTES,
        CITIES,
        MEMBERSHIPS,
        TIMELINE,
        EVENTS_PROJECTS,
        RESOLUTIONS,
        OFFICIAL_TOTALS,
        BOARD_TERMS,
        RESIDENTS_PUBLIC,
    )
}

__all__ = ["LOADERS", "Loader"]
