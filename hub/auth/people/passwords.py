"""Passwords: hashed with Argon2id, and refused where they are easily guessed.

Source: OWASP Password Storage Cheat Sheet (19 MiB, t=2, p=1; 28 ms measured); NIST SP 800-63B, section 5.1.1.2: length
counts, lists of common ones are looked at, no rules about signs.
"""

import re
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.auth.people.errors import FactorRefused

LENGTH_LEAST: Final = 12
LENGTH_MOST: Final = 256
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_DIFFERENT_LEAST: Final = 5
_OWN_WORDS_LEAST: Final = 4
_BEYOND_OWN_WORDS: Final = 8
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
_COMMON_WORDS: Final = """
    password passwort passord motdepasse contrasena senha parola qwerty qwertz azerty letmein welcome iloveyou
    monkey dragon football baseball superman batman princess sunshine trustno master shadow michael jordan secret
    administrator admin changeme default login cityofrefuge citiesofrefuge icorn icornhub stavanger freedom
    freespeech correcthorsebatterystaple
"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())
_LEET: Final = str.maketrans("@4031!5$7", "aaoeiisst")
DUMMY: Final = "$argon2id$v=19$m=19456,t=2,p=1$BdbpLFmHxbpooyL/5yVmGA$R/SN4u2Q1zi50l4rHhURVGda1uztRdSPPh8/0vbYh6Q"
"""Checked where there is no account, so that both take the same time: made of random bytes, which nobody kept."""


def hashed(password: str) -> str:
    """Hash a password for keeping."""
    return _HASHER.hash(_normal(password))


def fits(password: str, kept: str | None) -> bool:
    """Tell whether a password is the kept one. Without a kept one the same work is done, for nothing."""
    try:
        right = _HASHER.verify(kept or DUMMY, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None


def refuse_weak(password: str, *, about: tuple[str, ...]) -> None:
    """Refuse a password that is easily guessed.

    Args:
        password: as typed.
        about: words an attacker would try first: login and name.

    Raises:
        FactorRefused: it is too short, too long, or guessed too easily; the sentence says which.
    """
    text = _normal(password)
    if len(text) < LENGTH_LEAST:
        raise FactorRefused(f"Use at least {LENGTH_LEAST} characters. Several words are good.")
    if len(text) > LENGTH_MOST:
        raise FactorRefused(f"Use at most {LENGTH_MOST} characters.")
    if len(set(text.casefold())) < _DIFFERENT_LEAST:
        raise FactorRefused("This repeats too few characters. Use several words.")
    if _guessed(text.casefold(), about):
        raise FactorRefused("This is easily guessed: it is a common password, a row of keys, or your own name.")


def _guessed(text: str, about: tuple[str, ...]) -> bool:
    """Tell whether little is left when common words, rows of keys and the person's own words are taken out."""
    own = {word for words in about for word in re.split(r"\W+", words.casefold()) if len(word) >= _OWN_WORDS_LEAST}
    for form in (text, text.translate(_LEET)):
        letters = re.sub(r"[^a-z]", "", form)
        if letters in _COMMON or any(len(letters) > 0 and letters == word * 2 for word in _COMMON):
            return True
        if any(each in run * 2 for each in (form, form[::-1], letters, letters[::-1]) if each for run in _RUNS):
            return True
        rest = form
        for word in sorted(own | _COMMON, key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) != len(form) and len(re.sub(r"[\W\d_]", "", rest)) + len(set(rest)) < _BEYOND_OWN_WORDS:
            return True
    return False


def _normal(password: str) -> str:
    """Bring what different keyboards make of the same characters to one form; never fail on what cannot be written."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode("utf-8")
