"""One-time codes from an authenticator app: six digits that change every half minute. No code counts twice.

Source: RFC 6238. pyotp computes them; that a code is used up is ours to remember, by its step.
"""

from datetime import datetime
from hmac import compare_digest
from typing import Final
from urllib.parse import quote

import pyotp

STEP_SECONDS: Final = 30
DIGITS: Final = 6
_AROUND: Final = (0, -1, 1)
"""The step of now, the one before for slow typing, the one after for a phone that is fast."""


def new_seed() -> str:
    """Make a seed: 160 random bits in base 32."""
    return pyotp.random_base32(32)


def step_of(seed: str, code: str, *, now: datetime) -> int | None:
    """Find the step a code belongs to; None when it is of none that counts now. All are always compared."""
    typed = "".join(code[:16].split())
    here = int(now.timestamp()) // STEP_SECONDS
    found = None
    for offset in _AROUND:
        right = compare_digest(pyotp.TOTP(seed).generate_otp(here + offset).encode(), typed.encode())
        if right and found is None:
            found = here + offset
    return found


def address(seed: str, *, login: str, issuer: str) -> str:
    """Write the address an authenticator app reads off a picture."""
    name = f"{quote(issuer)}:{quote(login)}"
    return f"otpauth://totp/{name}?secret={seed}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_SECONDS}"
