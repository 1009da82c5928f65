"""Cookies at the graph: they count only for our own console, which says so in three ways a foreign page cannot.

A form or image of another site carries the cookie along, but sends neither JSON nor a header of its own without asking
first, and its origin is named by the browser. Who brings a token of their own is taken by the token alone. A WebSocket
of another site carries the cookie along too, and may then say what it likes: there the origin alone decides, and must
be named, as every browser does.
"""

from collections.abc import Iterable
from typing import Final

from hub.auth.people.place import Place
from hub.auth.people.sessions import WebSessions
from schema.access import AccessProfile
from schema.tables.people import Stage

HEADER: Final = b"x-hub-console"
_JSON: Final = b"application/json"

Headers = Iterable[tuple[bytes, bytes]]


class Console:
    """Reads the access profile off the cookies of a request. Blocks on the database: call it in a worker thread."""

    def __init__(self, sessions: WebSessions, place: Place) -> None:
        self._sessions = sessions
        self._origins = frozenset(origin.encode() for origin in place.origins)

    def profile_from_cookie(self, headers: Headers, *, seen: bool = True, socket: bool = False) -> AccessProfile | None:
        """Give the profile of who is fully signed in; None where the cookies do not count or name nobody.

        Args:
            headers: of the ASGI scope, names in lower case.
            seen: whether the session counts as used by this.
            socket: whether they began a WebSocket, and hold what was said in it of who asks.
        """
        found: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            found.setdefault(name, []).append(value)
        if not found.get(b"cookie") or not self._from_console(found, socket=socket):
            return None
        session = self._sessions.of_cookies(b"; ".join(found[b"cookie"]).decode("latin-1"), seen=seen)
        if session is None or session.stage is not Stage.FULL:
            return None
        return AccessProfile(
            relation=session.relation,
            scopes=session.scopes,
            organisation_id=session.organisation_id,
            city_id=session.city_id,
            account_id=session.account_id,
            expires_at=session.ends_at,
            issued_at=session.created_at,
            # Whose account is suspended has no session; a body that is cut off is known by its denial alone.
            subjects=() if session.organisation_id is None else (f"org:{session.organisation_id}",),
        )

    def _from_console(self, found: dict[bytes, list[bytes]], *, socket: bool) -> bool:
        if b"authorization" in found or found.get(HEADER) != [b"1"]:
            return False
        if socket:
            return same_origin(found.get(b"origin"), None, self._origins)
        media = found.get(b"content-type", [b""])[0].partition(b";")[0].strip().lower()
        if media != _JSON:
            return False
        return same_origin(found.get(b"origin"), found.get(b"sec-fetch-site"), self._origins)


def same_origin(origin: list[bytes] | None, site: list[bytes] | None, origins: frozenset[bytes]) -> bool:
    """Tell whether a request comes from our own pages.

    Args:
        origin: values of `Origin`. Where it is there, it decides.
        site: values of `Sec-Fetch-Site`.
        origins: those that are ours.
    """
    if origin:
        return len(origin) == 1 and origin[0] in origins
    return site == [b"same-origin"]
