"""Start one of the servers as a process of its own: `python -m tests.bench.serve {limit,hub,plain,...} ...`."""

import argparse
import socket
from pathlib import Path
from typing import Any, Final

import uvicorn
from sqlalchemy.engine import make_url

# What one server does not need is not imported in its process: its memory is measured.
# ruff: noqa: PLC0415


def limit(dsn: str, connections: int, _folder: Path) -> Any:
    from tests.bench.limit import Limit

    return Limit(dsn, connections)


def limit_token(dsn: str, connections: int, folder: Path) -> Any:
    from tests.bench.guarded import GuardedLimit

    return GuardedLimit(dsn, connections, folder, proofs=False)


def limit_proof(dsn: str, connections: int, folder: Path) -> Any:
    from tests.bench.guarded import GuardedLimit

    return GuardedLimit(dsn, connections, folder, proofs=True)


def hub_token(dsn: str, connections: int, folder: Path) -> Any:
    """Give a hub that asks for no proof, to tell what the token costs and what the proof: there is no such setting."""
    from hub import app
    from hub.auth.resource import ResourceServer

    class Unproved(ResourceServer):
        async def _prove(self, *_: object) -> None:
            pass

    app.ResourceServer = Unproved
    return hub(dsn, connections, folder)


def hub(dsn: str, connections: int, folder: Path) -> Any:
    from hub.app import create_app
    from hub.settings import LogLevel, Settings
    from hub.store import Database

    url = make_url(dsn).set(drivername="postgresql+psycopg")
    settings = Settings(
        read_connections=connections,
        statement_timeout_ms=60_000,
        cost_max=1_000_000,
        cost_per_minute=2**31 - 1,
        requests_at_once=100_000,
        root_key_file=folder / "root.key",
        log_level=LogLevel.WARNING,
    )
    return create_app(settings, Database(url=url, reading_url=url))


def limit_persons(dsn: str, connections: int, folder: Path) -> Any:
    from tests.bench.persons import PersonsLimit

    return PersonsLimit(dsn, connections, folder)


def plain(dsn: str, connections: int, _folder: Path) -> Any:
    from tests.bench.plain import create_app

    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    return create_app(url.render_as_string(hide_password=False), connections)


def _as_the_hub_does() -> dict[str, Any]:
    from hub.web.connection import UVICORN

    return UVICORN


SERVERS: Final = {
    "limit": limit,
    "limit-token": limit_token,
    "limit-proof": limit_proof,
    "limit-persons": limit_persons,
    "hub": hub,
    "hub-token": hub_token,
    "plain": plain,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for what a server keeps in files")
    parser.add_argument("--fd", type=int, required=True, help="a listening socket")
    asked = parser.parse_args()
    app = SERVERS[asked.server](asked.dsn, asked.connections, asked.folder)
    bare = {"http": "httptools", "ws": "none", "access_log": False, "log_level": "warning", "timeout_keep_alive": 60}
    config = uvicorn.Config(app, loop="uvloop", **(_as_the_hub_does() if asked.server.startswith("hub") else bare))
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=asked.fd)])


if __name__ == "__main__":
    main()
