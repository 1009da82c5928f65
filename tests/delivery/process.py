"""The hub as a process to be killed: as `icorn-hub serve` and `icorn-hub worker` are, only in a hurry.

    python -m tests.delivery.process serve
    python -m tests.delivery.process work

Settings come from the environment, as the hub's own. Only how long things take is shorter, so that a lease that was
lost and a clock that ran out are found within seconds.
"""

import asyncio
import sys
from functools import partial

from hub.app import create_app, deliver
from hub.cli.base import START_SECONDS, opened, read_settings
from hub.cli.serve import bound, serve_until_told
from hub.delivery import Backoff, Patience
from hub.signals import heeded

HURRIED = Patience(
    lease_seconds=4,
    attempt_seconds=3,
    sweep_seconds=0.5,
    grace_seconds=0.2,
    heartbeat_seconds=0.5,
    at_once=8,
    backoff=Backoff(least_seconds=0.05, first_seconds=0.1, cap_seconds=1),
)
LOOK_SECONDS = 0.5


def main(what: str) -> None:
    settings = read_settings()
    with heeded(), opened(settings, wait_seconds=START_SECONDS) as database:
        if what == "serve":
            site = partial(create_app, settings, database, patience=HURRIED, look_seconds=LOOK_SECONDS)
            with bound(settings) as sockets:
                serve_until_told(settings, site, "The hub answers.", sockets)
        else:
            asyncio.run(deliver(settings, database, patience=HURRIED, look_seconds=LOOK_SECONDS))


if __name__ == "__main__":
    main(sys.argv[1])
