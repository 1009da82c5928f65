"""Bad days on demand: what goes wrong next, asked for by name or drawn by a seeded rate.

For requests to the partner, before or after its work is done:

    reset       the connection is cut, nothing was done
    timeout     nothing is answered, nothing was done
    500 503 429 answered so, nothing was done
    slow        done and answered late
    lost        done, and the connection cut instead of an answer
    failed      done, and answered 500
    forged      done, and answered with a signature that is not the partner's

For what the partner brings itself:

    duplicate   an answer is brought twice
    late        an answer is brought again, after those that follow
    forged_answer   somebody else's signature is tried first
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

COMING = ("reset", "timeout", "500", "503", "429", "slow", "lost", "failed", "forged")
GOING = ("duplicate", "late", "forged_answer")
ALL = COMING + GOING
PATHS = ("/inbox", "/referrals/", "/outbox", "/openings", "/health")


@dataclass
class Trouble:
    """What goes wrong next."""

    rate: float = 0.0
    seed: int = 1
    kinds: tuple[str, ...] = ALL
    seconds: float = 1.0
    """How long `slow` takes."""
    hang_seconds: float = 60.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Kind, and the beginning of the path it waits for."""
    met: Counter = field(default_factory=Counter)
    told: Callable[[str, str], object] = field(default=lambda *_: None, repr=False)
    """Is told of each, and of the path it met."""

    def __post_init__(self) -> None:
        self.set_rate(self.rate, seed=self.seed, kinds=self.kinds)

    def fail_next(self, kind: str, *, count: int = 1, where: str = "") -> None:
        if kind not in ALL:
            raise ValueError(f"no such trouble: {kind}")
        self.asked += [(kind, where)] * count

    def set_rate(self, rate: float, *, seed: int, kinds: tuple[str, ...] = ()) -> None:
        if not set(kinds) <= set(ALL):
            raise ValueError(f"no such trouble among {kinds}")
        self.rate, self.seed, self.kinds = rate, seed, kinds or ALL
        # What comes and what goes draw for themselves, so that the n-th request meets the same under the same seed.
        self._chances = {way: random.Random(f"{seed} {way}") for way in (COMING, GOING)}  # noqa: S311  # the same again

    def drawn(self, possible: tuple[str, ...], path: str = "") -> str | None:
        """Say what goes wrong now."""
        for number, (kind, where) in enumerate(self.asked):
            if kind in possible and path.startswith(where):
                del self.asked[number]
                return self._met(kind, path)
        kinds = [kind for kind in self.kinds if kind in possible]
        chance = self._chances[possible]
        if kinds and chance.random() < self.rate:
            return self._met(chance.choice(kinds), path)
        return None

    def _met(self, kind: str, path: str) -> str:
        self.met[kind] += 1
        self.told(kind, path)
        return kind


App = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]


class Troubled:
    """Stands outside of everything, where connections can be cut."""

    def __init__(self, app: App, trouble: Trouble) -> None:
        self.app = app
        self.trouble = trouble

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self.app(scope, receive, send)
            return
        kind = self.trouble.drawn(COMING, scope["path"])
        match kind:
            case None:
                await self.app(scope, receive, send)
            case "reset":
                cut(send)
            case "timeout":
                await asyncio.sleep(self.trouble.hang_seconds)
                cut(send)
            case "500" | "503" | "429":
                await answer(send, int(kind))
            case "slow":
                await asyncio.sleep(self.trouble.seconds)
                await self.app(scope, receive, send)
            case "lost" | "failed":
                await self.app(scope, receive, nowhere)
                if kind == "lost":
                    cut(send)
                else:
                    await answer(send, 500)
            case "forged":
                await self.app(scope | {"forged": True}, receive, send)


async def nowhere(message: dict[str, Any]) -> None:
    """Let an answer be lost."""


async def answer(send: Callable, status: int) -> None:
    headers = [(b"retry-after", b"1")] if status == 429 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def cut(send: Callable) -> None:
    """Cut the connection: uvicorn's own object sends, and knows its transport."""
    send.__self__.transport.abort()
