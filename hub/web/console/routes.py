"""Where the console is: its page, for who is signed in, and its files.

The page carries no data but the name of who is signed in; what is asked goes to the graph with the session's cookie,
so no token ever is in the browser. Styles made at run time carry the page's nonce.
"""

from hashlib import sha256
from hmac import digest as mac
from secrets import token_urlsafe
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.auth.people import IDLE, Stage
from hub.web.console.built import Built, NotBuilt
from hub.web.forms import Pages, Visit, with_query

CONSOLE: Final = "/console"
CSP: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
ASSET_HEADERS: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    # A worker is bound by the policy its own script came with.
    "content-security-policy": "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "vary": "accept-encoding",
}
_NONCE_BYTES: Final = 18


def console_routes(pages: Pages, built: Built) -> list[Route]:
    """Give the addresses of the console."""
    console = _Console(pages, built)
    return [
        Route("/", _home),
        pages.route(CONSOLE, get=console.page),
        Route(f"{CONSOLE}/assets/{{name}}", console.asset),
    ]


class _Console:
    """The page and its files."""

    def __init__(self, pages: Pages, built: Built) -> None:
        self._pages = pages
        self._built = built

    async def page(self, visit: Visit) -> Response:
        """Show the console, or lead to the sign-in pages and from there back."""
        if visit.session is None:
            return self._pages.go(with_query("/signin", next=CONSOLE))
        if visit.session.stage is not Stage.FULL:
            return self._pages.go("/enrol")
        nonce = token_urlsafe(_NONCE_BYTES)
        try:
            response = self._pages.render(
                visit,
                "console.html",
                nonce=nonce,
                built=self._built,
                base=CONSOLE,
                signin=with_query("/signin", next=CONSOLE, notice="expired"),
                idle_seconds=int(IDLE.total_seconds()),
                mark=_mark(visit),
            )
        except NotBuilt as error:
            return self._pages.refuse(visit, "refused.html", error)
        response.headers["content-security-policy"] = CSP.format(nonce=nonce)
        return response

    async def asset(self, request: Request) -> Response:
        """Send a file in the smallest form the browser takes."""
        asset = self._built.assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        encoding, path = asset.best(request.headers.get("accept-encoding", ""))
        headers = ASSET_HEADERS | ({"content-encoding": encoding} if encoding else {})
        return FileResponse(path, media_type=asset.media, headers=headers)


async def _home(request: Request) -> Response:
    """Lead a person to the console; programs find nothing here."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    return RedirectResponse(CONSOLE, status_code=303)


def _mark(visit: Visit) -> str:
    """Give what tells pages of one session from those of another, and tells nothing about either."""
    assert visit.session_token is not None
    return mac(visit.session_token.encode(), b"console", sha256).hex()
