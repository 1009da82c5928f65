"""Looks into the store that several tests take."""

from uuid import UUID

from partner import read

from schema.tables import TokenGrantRow


def grant_of(session, tokens) -> TokenGrantRow:
    """Find the grant behind a token response."""
    return session.get(TokenGrantRow, UUID(read(tokens["access_token"])[1]["gid"]))
