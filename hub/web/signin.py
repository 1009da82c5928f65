"""Signing in and out: passkey first; password with one-time code and recovery codes where there is none.

Pages say the same to everybody: which of login, password and code was wrong is never told, nor whether a login exists.
"""

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.auth.errors import ProviderUnavailable
from hub.auth.openid import SignIn
from hub.auth.openid.signin import TRIP_SECONDS
from hub.auth.people import Entered, Stage
from hub.auth.people.errors import EnrolmentRefused, SignInRefused, TooManyTries
from hub.auth.people.sessions import cookie
from hub.errors import HubError
from hub.web.account import AccountPages
from hub.web.forms import Pages, Visit, fit_to_go, told, with_query

T = TypeVar("T")
HASHING_AT_ONCE: Final = 4
"""Password checks at the same time: each takes a core for 28 ms and 19 MiB."""
_FILES: Final = {"style.css": "text/css", "passkey.js": "text/javascript", "icon.svg": "image/svg+xml"}
_SEEN: Final = {"cache-control": "public, max-age=300", "x-content-type-options": "nosniff"}


def people_routes(pages: Pages, provider: SignIn | None = None) -> list[Route]:
    """Give all pages for people; with those for who signs in by an OpenID provider, where there is one."""
    more = [] if provider is None else ProviderPages(pages, provider).routes()
    return [*SignInPages(pages, provider).routes(), *more, *AccountPages(pages).routes(), *_assets()]


class SignInPages:
    """The pages at the door."""

    def __init__(self, pages: Pages, provider: SignIn | None = None) -> None:
        self._pages = pages
        self._provider = None if provider is None else provider.name
        self._door = pages.people.door
        self._hashing: CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        """Give the addresses."""
        page = self._pages.route
        return [
            page("/signin", get=self.choose),
            page("/signin/passkey", get=self.choose, post=self.passkey),
            page("/signin/passkey/options", post=self.ask_for_passkey),
            page("/signin/password", get=self.ask_for_password, post=self.password),
            page("/signin/totp", get=self.ask_for_code, post=self.code),
            page("/signin/recovery", get=self.ask_for_recovery, post=self.recovery),
            page("/signin/done", get=self.done),
            page("/signout", get=self.ask_to_leave, post=self.leave),
            page("/enrol", get=self.ask_for_enrolment, post=self.enrol),
        ]

    async def choose(self, visit: Visit) -> Response:
        """Show the ways in."""
        return self._pages.render(visit, "signin.html", provider=self._provider)

    async def ask_for_passkey(self, visit: Visit) -> Response:
        """Give the script what to ask the passkey for."""
        try:
            options = await run_in_threadpool(self._door.ask_for_passkey, self._pages.browser(visit))
        except HubError as error:
            return told(error)
        return Response(options, media_type="application/json")

    async def passkey(self, visit: Visit) -> Response:
        """Take what the passkey signed."""
        try:
            entered = await run_in_threadpool(self._door.passkey, self._pages.browser(visit), visit.fields)
        except HubError as error:
            return told(error)
        return self._pages.enter(JSONResponse({"next": visit.next or "/account"}), entered)

    async def ask_for_password(self, visit: Visit) -> Response:
        """Show the form."""
        return self._pages.render(visit, "password.html")

    async def password(self, visit: Visit) -> Response:
        """Take login and password, and ask for the code whatever they were worth."""
        take = partial(
            self._door.password, self._pages.browser(visit), login=visit.text("login"), password=visit.text("password")
        )
        try:
            await self._hash(take)
        except TooManyTries as error:
            return self._pages.refuse(visit, "password.html", error)
        return self._pages.go(with_query("/signin/totp", next=visit.next))

    async def ask_for_code(self, visit: Visit) -> Response:
        """Show the form."""
        return self._pages.render(visit, "totp.html")

    async def code(self, visit: Visit) -> Response:
        """Take the code; if anything was wrong, start again with the password."""
        take = partial(self._door.one_time_code, self._pages.browser(visit), code=visit.text("code"))
        try:
            entered = await run_in_threadpool(take)
        except SignInRefused as error:
            return self._pages.refuse(visit, "password.html", error)
        return self._entered(visit, entered)

    async def ask_for_recovery(self, visit: Visit) -> Response:
        """Show the form."""
        return self._pages.render(visit, "recovery.html")

    async def recovery(self, visit: Visit) -> Response:
        """Take a recovery code."""
        take = partial(
            self._door.recover,
            self._pages.browser(visit),
            login=visit.text("login"),
            password=visit.text("password"),
            code=visit.text("code"),
        )
        try:
            entered = await self._hash(take)
        except (SignInRefused, TooManyTries) as error:
            return self._pages.refuse(visit, "recovery.html", error)
        return self._entered(visit, entered)

    async def done(self, visit: Visit) -> Response:
        """Lead on by a page of its own.

        Browsers hold a form's `form-action` against every redirect that follows it; so a sign-in that ends at a
        partner's address would be stopped if the form led there without a page between.
        """
        return self._pages.render(visit, "done.html", goal=visit.next or "/account")

    async def ask_to_leave(self, visit: Visit) -> Response:
        """Show the form."""
        return self._pages.render(visit, "signout.html")

    async def leave(self, visit: Visit) -> Response:
        """End the session."""
        if visit.session_token is not None:
            await run_in_threadpool(self._pages.people.sessions.end, visit.session_token)
        return self._pages.leave(self._pages.go(with_query("/signin", notice="left")))

    async def ask_for_enrolment(self, visit: Visit) -> Response:
        """Ask for the enrolment code, or show how far setting up has come."""
        if visit.session is None:
            return self._pages.render(visit, "enrol.html")
        if visit.session.stage is Stage.FULL:
            return self._pages.go("/account")
        ways = await run_in_threadpool(self._pages.people.factors.ways, visit.session.account_id)
        return self._pages.render(visit, "setup.html", ways=ways)

    async def enrol(self, visit: Visit) -> Response:
        """Take an enrolment code."""
        take = partial(self._door.enrol, self._pages.browser(visit), code=visit.text("code"))
        try:
            entered = await run_in_threadpool(take)
        except (EnrolmentRefused, TooManyTries) as error:
            return self._pages.refuse(visit, "enrol.html", error)
        return self._entered(visit, entered)

    def _entered(self, visit: Visit, entered: Entered) -> Response:
        goal = "/enrol" if entered.stage is Stage.SETUP else _goal(visit.next)
        return self._pages.enter(self._pages.go(goal), entered)

    async def _hash(self, work: Callable[[], T]) -> T:
        if self._hashing is None:
            self._hashing = CapacityLimiter(HASHING_AT_ONCE)
        return await to_thread.run_sync(work, limiter=self._hashing)


class ProviderPages:
    """From here to the OpenID provider, and back again."""

    def __init__(self, pages: Pages, provider: SignIn) -> None:
        self._pages = pages
        self._provider = provider
        self._cookie = pages.place.cookie("provider")

    def routes(self) -> list[Route]:
        """Give the addresses."""
        page = self._pages.route
        keys = Route("/signin/provider/keys", self.keys, methods=["GET"])
        return [page("/signin/provider", get=self.leave), page("/signin/provider/back", get=self.come_back), keys]

    async def keys(self, _request: Request) -> Response:
        """Publish the key by which the hub authenticates as a client."""
        return JSONResponse(self._provider.jwks(), headers=_SEEN, media_type="application/jwk-set+json")

    async def leave(self, visit: Visit) -> Response:
        """Send the person to the provider."""
        try:
            await run_in_threadpool(self._pages.people.door.count_ceremony, self._pages.browser(visit))
            address, kept = await self._provider.begin(visit.next)
        except (TooManyTries, ProviderUnavailable, SignInRefused) as error:
            return self._refuse(visit, error)
        response = self._pages.go(address)
        response.set_cookie(
            self._cookie,
            kept,
            max_age=TRIP_SECONDS,
            path="/",
            secure=self._pages.place.secure,
            httponly=True,
            samesite="lax",
        )
        return response

    async def come_back(self, visit: Visit) -> Response:
        """Take what the provider says of who comes back, once."""
        query = visit.request.query_params
        kept = cookie(visit.request.headers.get("cookie", ""), self._cookie)
        try:
            await run_in_threadpool(self._pages.people.door.count_ceremony, self._pages.browser(visit))
            trip = await self._provider.finish(query.multi_items(), kept or "")
            enter = partial(self._pages.people.door.provided, self._pages.browser(visit), subject=trip.subject)
            entered = await run_in_threadpool(enter)
        except (TooManyTries, ProviderUnavailable, SignInRefused) as error:
            response = self._refuse(visit, error)
        else:
            goal = _goal(trip.goal if fit_to_go(trip.goal) else "")
            response = self._pages.enter(self._pages.go(goal), entered)
        response.delete_cookie(self._cookie, path="/", secure=self._pages.place.secure, httponly=True, samesite="lax")
        return response

    def _refuse(self, visit: Visit, error: HubError) -> Response:
        return self._pages.refuse(visit, "signin.html", error, provider=self._provider.name)


def _goal(goal: str) -> str:
    return with_query("/signin/done", next=goal) if goal else "/account"


def _assets() -> list[Route]:
    """Give the files the pages need: our own, and no others."""
    folder = files("hub.web") / "pages"

    def route(name: str, media: str) -> Route:
        content = (folder / name).read_bytes()

        async def asset(_request: Request) -> Response:
            return Response(content, media_type=media, headers=_SEEN)

        return Route(f"/signin/{name}", asset)

    return [route(name, media) for name, media in _FILES.items()]
