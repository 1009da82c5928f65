"""A sandbox partner as a process, started and killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey

ROOT = Path(__file__).parent.parent.parent


class Sandbox:
    """One process. It may be killed at any instant, and started again with the same books."""

    def __init__(self, folder: Path, network: str, hub: Any, **config: Any) -> None:
        self.folder = folder
        self.config = {
            "network": network,
            "data": str(folder),
            "sync": "NORMAL",
            "hub": hub if isinstance(hub, dict) else _told_of(hub),
        } | config
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "config.json"
        file.write_text(json.dumps(self.config | {"port": self.port}))
        self.process = subprocess.Popen(  # noqa: ASYNC220  # a moment
            [sys.executable, "-m", "tests.sandbox", "--config", str(file)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = await asyncio.to_thread(self.process.stdout.readline)
        self.port = json.loads(said)["port"]

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can tell."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self._wait()

    def _wait(self) -> None:
        assert self.process is not None
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    async def control(self, what: str, **told: Any) -> Any:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/control/{what}", json=told)
            return answer.json()

    async def books(self, kind: str | None = None, handoff: Any = None) -> list[dict[str, Any]]:
        entries = (await self.control("ledger"))["entries"]
        return [
            entry
            for entry in entries
            if kind in {None, entry["kind"]} and (handoff is None or entry["handoff"] == str(handoff))
        ]


def _told_of(hub: Any) -> dict[str, Any]:
    key: ECKey = hub.client_key
    return {
        "issuer": hub.issuer,
        "graphql": f"{hub.issuer}/graphql",
        "client_id": "sandbox",
        "key": key.as_dict(private=True),
    }


async def until(true: Any, *, seconds: float = 60) -> None:
    """Wait for something to become true."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        found = true()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert asyncio.get_running_loop().time() < end, "it did not become true"
        await asyncio.sleep(0.03)
