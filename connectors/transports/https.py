"""Signed JSON over HTTPS: tokens posted to an inbox, and addresses that are read. `docs/handoff.md` specifies it.

Whatever happens maps to exactly one error. The rule for what was posted: before a byte of the request went out,
`Unavailable`; after that, and without a whole answer, `Uncertain`; with an answer, what the answer says.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn

from connectors.egress import Egress, Reply
from connectors.errors import Invalid, Refused, Throttled, Unauthorized, Unavailable, Uncertain, Unsupported
from connectors.transports.credentials import Credentials

JOSE: Final = "application/jose"
THROTTLED_SECONDS: Final = 60.0
THROTTLED_SECONDS_MAX: Final = 86_400.0
_PROBLEM_CHARS_MAX: Final = 64


@dataclass
class Https:
    """The wire to one partner."""

    base: str
    """Address that its paths stand below."""
    egress: Egress
    credentials: Credentials
    """How we show who we are when we read."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def deliver(self, body: str, *, key: str) -> str | None:
        """Post a token to the inbox."""
        headers = {"content-type": JOSE, "accept": f"{JOSE}, application/problem+json", "idempotency-key": key}
        reply = await self.egress.post(f"{self.base}/inbox", body.encode(), headers=headers)
        if not 200 <= reply.status < 300:  # noqa: PLR2004  # success
            refuse(reply, now=self.now(), posted=True)
        if not reply.body:
            return None
        if reply.type() != JOSE or not reply.body.isascii():
            raise Uncertain("it was taken, and the answer cannot be read")
        return reply.body.decode("ascii")

    async def read(self, path: str) -> bytes:
        """Read, signed for or with a token; once more when the credential was stale."""
        url = f"{self.base}{path}"
        reply = await self.egress.get(url, headers=await self.credentials.headers("GET", url))
        if reply.status == 401 and self.credentials.renew(reply):  # noqa: PLR2004  # unauthorized
            reply = await self.egress.get(url, headers=await self.credentials.headers("GET", url))
        if reply.status != 200:  # noqa: PLR2004  # ok
            refuse(reply, now=self.now(), posted=False)
        return reply.body

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        await self.egress.aclose()


def refuse(reply: Reply, *, now: datetime, posted: bool) -> NoReturn:
    """Turn an answer that is none into the one error it means.

    Args:
        reply: what came.
        now: the present, for a date in Retry-After.
        posted: True when it answers something that may have had an effect.

    Raises:
        ConnectorError: always.
    """
    status, facts = reply.status, {"status": reply.status} | _problem(reply)
    match status:
        case 429:
            raise Throttled("it asks to come later", retry_seconds=retry_after(reply, now=now), **facts)
        case 401 | 403 | 407:
            raise Unauthorized("it does not take our credential", **facts)
        case 404 | 405 | 501:
            raise Unsupported("it does not do this", **facts)
        case 400 | 406 | 411 | 413 | 414 | 415 | 422 | 431:
            raise Invalid("it cannot read this", **facts)
        case 408 | 421 | 425 | 503:
            raise Unavailable("it cannot do this now", **facts)
        case _ if status >= 500 and posted:  # noqa: PLR2004  # server error
            raise Uncertain("it failed, and may have done it", **facts)
        case _ if status >= 500:  # noqa: PLR2004  # server error
            raise Unavailable("it failed", **facts)
        case _ if 200 <= status < 300:  # noqa: PLR2004  # success, of a kind that was not asked for
            raise Invalid("it answers something else", **facts)
        case _:
            # Redirects too: a place that moved is registered anew by a person, never followed.
            raise Refused("it does not take this", **facts)


def retry_after(reply: Reply, *, now: datetime) -> float:
    """Read Retry-After: RFC 9110, section 10.2.3. A minute where there is none that makes sense, a day at most."""
    text = reply.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text.isdigit() else (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return THROTTLED_SECONDS
    return THROTTLED_SECONDS if not math.isfinite(seconds) else min(THROTTLED_SECONDS_MAX, max(0.0, seconds))


def _problem(reply: Reply) -> dict[str, str]:
    """Take the code out of a problem (RFC 9457); nothing else of it goes anywhere."""
    if reply.type() != "application/problem+json":
        return {}
    try:
        code = json.loads(reply.body).get("code")
    except (ValueError, AttributeError, RecursionError):
        return {}
    plain = isinstance(code, str) and len(code) <= _PROBLEM_CHARS_MAX and code.isascii() and code.isprintable()
    return {"problem": code} if plain else {}
