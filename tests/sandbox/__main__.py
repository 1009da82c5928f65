"""Run a sandbox partner.

    python -m tests.sandbox --network scholars_at_risk --port 9001 --data /tmp/sar --hub http://127.0.0.1:8000
    python -m tests.sandbox --config partner.json

It prints one line of JSON when it answers, and stops when it is told to.
"""

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import msgspec
import uvicorn

from tests.sandbox import config
from tests.sandbox.app import create_app
from tests.sandbox.sandbox_partner import Partner


class Server(uvicorn.Server):
    """Says when it answers."""

    ready: dict[str, object]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps(self.ready), flush=True)  # noqa: T201  # that is the answer


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.sandbox", description=__doc__.partition("\n")[0])
    parser.add_argument("--config", type=Path, help="JSON file; see config.py")
    parser.add_argument("--network", help="name in the registry of connectors")
    parser.add_argument("--port", type=int, help="0 for any")
    parser.add_argument("--data", help="folder of its books and keys")
    parser.add_argument("--hub", dest="hub_issuer", help="issuer of the hub")
    parser.add_argument("--hub-jwks", dest="hub_jwks_uri", help="where the hub publishes the keys of its messages")
    parser.add_argument("--client", dest="hub_client_id", help="client at the hub; its key stands in the file")
    parser.add_argument("--until-input-ends", action="store_true", help="stop when standard input ends")
    told = vars(parser.parse_args())
    if told.pop("until_input_ends"):
        threading.Thread(target=watch_input, daemon=True).start()
    settings = config.read(told.pop("config"), **told)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", settings.port))
        listening.listen(256)
        settings = msgspec.structs.replace(settings, port=listening.getsockname()[1])
        logging.basicConfig(level=logging.WARNING)
        partner = Partner(settings)
        options = uvicorn.Config(
            create_app(partner), log_config=None, access_log=False, proxy_headers=False, timeout_graceful_shutdown=1
        )
        server = Server(options)
        server.ready = {"issuer": partner.issuer, "port": settings.port, "jwks_uri": f"{partner.issuer}/jwks"}
        server.run(sockets=[listening])


def watch_input() -> None:
    """Stop with who started us: the other end of standard input closes, whatever became of them."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
