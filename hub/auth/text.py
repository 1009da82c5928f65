"""Random texts for codes, tokens and ids: 256 bits, of letters that travel anywhere."""

import secrets

BYTES = 32


def random_text() -> str:
    """Make a text nobody guesses."""
    return secrets.token_urlsafe(BYTES)
