"""A worker as a process, to be killed: `python -m tests.delivery.process CONFIG`, a JSON file that `kill.py` writes."""

import asyncio
import json
import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from connectors.registry import network
from connectors.signed import Reach
from connectors.signing import me_from
from hub import log
from hub.clock import SystemClock
from hub.delivery import Backoff, Patience, Running, Worker
from hub.delivery.ports import Topic
from hub.store import Database
from tests.delivery.world import Books, to_partner
from tests.sandbox.counterpart import now


async def main(config: dict) -> None:
    url = make_url(config["url"])
    database = Database(url=url, reading_url=url)
    found = network(config["network"])
    base = f"http://127.0.0.1:{config['port']}"
    reach = Reach(issuer=base, base=base, jwks_uri=f"{base}/jwks", loopback=True, timeout_seconds=1.0)
    partner = found.partner(found.settings(reach=reach), me_from(config["issuer"], config["jwks"]), now=now)
    patience = Patience(
        lease_seconds=3,
        attempt_seconds=2.5,
        sweep_seconds=0.5,
        grace_seconds=0.2,
        heartbeat_seconds=0.5,
        at_once=8,
        backoff=Backoff(least_seconds=0.05, first_seconds=0.1, cap_seconds=1),
    )
    engine = database.engine()
    books = Books(to_partner(partner, engine))
    worker = Worker(engine, {Topic.PACKET: books, Topic.STOP: books}, SystemClock(), patience=patience)
    await Running(worker, database.conninfo).run()


if __name__ == "__main__":
    log.configure(strict=True, level="error")
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
