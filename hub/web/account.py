"""A person's own page: passkeys, password, one-time codes, recovery codes, sessions; and setting them up at first."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import segno
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.auth.people import Session, Stage
from hub.auth.people.errors import FactorRefused, StaleSession
from hub.errors import HubError
from hub.web.forms import Pages, Visit, told, with_query

Values: TypeAlias = dict[str, Any]  # Any: what templates take


class NotSignedIn(HubError):
    """The page is for who is signed in."""

    code = "not_signed_in"
    public = "Sign in first."


class AccountPages:
    """The pages behind the door."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._factors = pages.people.factors
        self._sessions = pages.people.sessions

    def routes(self) -> list[Route]:
        """Give the addresses."""
        page = self._pages.route
        return [
            page("/account", get=self.account),
            page("/account/passkeys/options", post=self.ask_for_passkey),
            page("/account/passkeys", post=self.add_passkey),
            page("/account/passkeys/remove", post=self.remove_passkey),
            page("/account/password", get=self.ask_for_password, post=self.set_password),
            page("/account/password/remove", post=self.remove_password),
            page("/account/totp", get=self.show_seed, post=self.confirm_seed),
            page("/account/codes", post=self.recovery_codes),
            page("/account/sessions", post=self.end_sessions),
            page("/enrol/finish", post=self.finish),
        ]

    async def account(self, visit: Visit) -> Response:
        """Show all of it."""
        if visit.session is None or visit.session.stage is not Stage.FULL:
            return self._elsewhere(visit)
        return await self._overview(visit, visit.session)

    async def ask_for_passkey(self, visit: Visit) -> Response:
        """Give the script what to ask the new passkey for."""
        try:
            session = _member(visit)
            options = await run_in_threadpool(self._factors.ask_for_passkey, session, visit.token)
        except HubError as error:
            return _told(error)
        return Response(options, media_type="application/json")

    async def add_passkey(self, visit: Visit) -> Response:
        """Keep a new passkey."""
        try:
            session = _member(visit)
            add = partial(self._factors.add_passkey, session, visit.token, visit.fields, label=visit.text("label"))
            await run_in_threadpool(add)
        except HubError as error:
            return _told(error)
        return JSONResponse({"next": _home(session, "passkey_added")})

    async def remove_passkey(self, visit: Visit) -> Response:
        """Take a passkey away."""

        def remove(session: Session) -> None:
            self._factors.remove_passkey(session, _id(visit, "passkey"))

        return await self._change(visit, remove, "passkey_removed")

    async def ask_for_password(self, visit: Visit) -> Response:
        """Show the form."""
        if visit.session is None:
            return self._elsewhere(visit)
        return self._pages.render(visit, "new_password.html")

    async def set_password(self, visit: Visit) -> Response:
        """Keep a new password, and go on to the one-time codes."""
        if visit.session is None:
            return self._elsewhere(visit)
        password = visit.text("password")
        try:
            _refuse_different(password, visit.text("again"))
            await run_in_threadpool(self._factors.set_password, visit.session, password)
            ways = await run_in_threadpool(self._factors.ways, visit.session.account_id)
        except StaleSession:
            return self._stale()
        except FactorRefused as error:
            return self._pages.refuse(visit, "new_password.html", error, field="password")
        return self._pages.go(_home(visit.session, "password_set") if ways.password else "/account/totp")

    async def remove_password(self, visit: Visit) -> Response:
        """Take password and one-time codes away."""
        return await self._change(visit, self._factors.remove_password, "password_removed")

    async def show_seed(self, visit: Visit) -> Response:
        """Show the picture for an authenticator app."""
        if visit.session is None:
            return self._elsewhere(visit)
        return await self._seed_page(visit, visit.session, None)

    async def confirm_seed(self, visit: Visit) -> Response:
        """Take the seed into use."""
        if visit.session is None:
            return self._elsewhere(visit)
        try:
            await run_in_threadpool(self._factors.confirm_seed, visit.session, visit.text("code"))
        except StaleSession:
            return self._stale()
        except FactorRefused as error:
            return await self._seed_page(visit, visit.session, error)
        return self._pages.go(_home(visit.session, "codes_set"))

    async def recovery_codes(self, visit: Visit) -> Response:
        """Make new recovery codes and show them, this once."""
        if visit.session is None:
            return self._elsewhere(visit)
        try:
            codes = await run_in_threadpool(self._factors.new_recovery_codes, visit.session)
        except StaleSession:
            return self._stale()
        return self._pages.render(visit, "codes.html", codes=codes, home=_home(visit.session))

    async def end_sessions(self, visit: Visit) -> Response:
        """End one session, or all but this."""
        session = visit.session
        if session is None:
            return self._elsewhere(visit)
        which = visit.text("session")
        if which == "others":
            await run_in_threadpool(self._sessions.end_others, session.account_id, session.id)
        else:
            await run_in_threadpool(self._sessions.end_one, session.account_id, _id(visit, "session"))
        return self._pages.go(_home(session, "session_ended"))

    async def finish(self, visit: Visit) -> Response:
        """End setting up: from here on the person signs in as everybody does."""
        session = visit.session
        if session is None or session.stage is not Stage.SETUP or visit.session_token is None:
            return self._elsewhere(visit)
        ways = await run_in_threadpool(self._factors.ways, session.account_id)
        if not ways.enough:
            error = FactorRefused("Something is still missing: a way to sign in, and recovery codes.")
            return self._pages.refuse(visit, "setup.html", error, ways=ways)
        await run_in_threadpool(self._sessions.end, visit.session_token)
        return self._pages.leave(self._pages.go(with_query("/signin", notice="ready")))

    async def _change(self, visit: Visit, change: Callable[[Session], None], notice: str) -> Response:
        if visit.session is None:
            return self._elsewhere(visit)
        try:
            await run_in_threadpool(change, visit.session)
        except StaleSession:
            return self._stale()
        except FactorRefused as error:
            if visit.session.stage is Stage.SETUP:
                ways = await run_in_threadpool(self._factors.ways, visit.session.account_id)
                return self._pages.refuse(visit, "setup.html", error, ways=ways)
            return await self._overview(visit, visit.session, error)
        return self._pages.go(_home(visit.session, notice))

    async def _overview(self, visit: Visit, session: Session, error: FactorRefused | None = None) -> Response:
        ways = await run_in_threadpool(self._factors.ways, session.account_id)
        sessions = await run_in_threadpool(self._sessions.listed, session.account_id)
        fresh = session.fresh(now=self._pages.people.clock.now())
        values: Values = {"ways": ways, "sessions": sessions, "fresh": fresh}
        if error is not None:
            return self._pages.refuse(visit, "account.html", error, **values)
        return self._pages.render(visit, "account.html", **values)

    async def _seed_page(self, visit: Visit, session: Session, error: FactorRefused | None) -> Response:
        try:
            seed = await run_in_threadpool(self._factors.offer_seed, session)
        except StaleSession:
            return self._stale()
        picture = segno.make(seed.address, error="m").svg_inline(scale=4, border=4, light="#fff", omitsize=False)
        values: Values = {
            "seed": " ".join(seed.text[start : start + 4] for start in range(0, len(seed.text), 4)),
            "picture": Markup(picture),  # noqa: S704  # drawn by ourselves, with no text in it
        }
        if error is not None:
            return self._pages.refuse(visit, "new_totp.html", error, field="code", **values)
        return self._pages.render(visit, "new_totp.html", **values)

    def _elsewhere(self, visit: Visit) -> Response:
        """Lead to where this person can go on."""
        if visit.session is not None:
            return self._pages.go("/enrol" if visit.session.stage is Stage.SETUP else "/account")
        return self._pages.go(with_query("/signin", next="/account"))

    def _stale(self) -> Response:
        return self._pages.go(with_query("/signin", next="/account", notice="stale"))


def _member(visit: Visit) -> Session:
    if visit.session is None:
        raise NotSignedIn
    return visit.session


def _refuse_different(password: str, again: str) -> None:
    if password != again:
        raise FactorRefused("The two passwords differ. Type the same one twice.")


def _told(error: HubError) -> Response:
    notice = {"stale_session": "stale", "not_signed_in": "expired"}.get(error.code, "")
    return told(error, lead_to=with_query("/signin", next="/account", notice=notice) if notice else "")


def _home(session: Session, notice: str = "") -> str:
    return with_query("/enrol" if session.stage is Stage.SETUP else "/account", notice=notice)


def _id(visit: Visit, name: str) -> UUID:
    try:
        return UUID(visit.text(name))
    except ValueError:
        return UUID(int=0)
