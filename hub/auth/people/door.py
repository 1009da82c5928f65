"""The door: password with one-time code, recovery code, passkey, enrolment code. Whoever gets in gets a new session.

A stranger learns nothing here: an unknown login, a wrong password and a wrong code are the same answer after the same
work, and whether the password was right shows only together with the code. Every try is counted before it is looked at.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Select, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.auth.people import passwords, throttle, totp
from hub.auth.people.codes import Token, digest, new_token, typed
from hub.auth.people.errors import EnrolmentRefused, SignInRefused
from hub.auth.people.factors import recovery_digest, unsealed_seed
from hub.auth.people.passkeys import Credential, Passkeys
from hub.auth.people.sealing import Sealer
from hub.auth.people.sessions import WebSessions, end_all
from hub.auth.people.throttle import Throttle
from hub.auth.people.watch import Watch
from hub.clock import Clock
from schema.tables import AccountRow, AccountSecretRow, EnrolmentRow, RecoveryCodeRow, SignInAttemptRow
from schema.tables.base import table_of
from schema.tables.people import AccountStatus, Stage

ATTEMPT_LIFETIME: Final = timedelta(minutes=5)
BY_PASSKEY: Final = ("pop", "user", "mfa")
BY_PASSWORD: Final = ("pwd", "otp", "mfa")
BY_RECOVERY: Final = ("otp",)
BY_ENROLMENT: Final = ("otp",)
BY_PROVIDER: Final = ("fed",)
"""Not of RFC 8176, which has no word for it; others use this one."""
LOGIN_MOST: Final = 64
_PURGED_AT_ONCE: Final = 100
_NO_SEED: Final = totp.new_seed()
_A: Final = table_of(AccountRow)
_S: Final = table_of(AccountSecretRow)
_T: Final = table_of(SignInAttemptRow)
_R: Final = table_of(RecoveryCodeRow)
_E: Final = table_of(EnrolmentRow)
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Who knocks: all that is known of a browser before anybody is signed in."""

    token: Token
    """Of the visit: what binds the pages of one sign-in together."""
    address: str
    device: str | None = None
    """The mark of a browser that was signed in from before."""
    session: Token | None = None
    """A session it has, which ends when a new one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a browser is given on entering."""

    token: Token
    stage: Stage
    device: str


class Door:
    """Lets people in."""

    def __init__(
        self, engine: Engine, clock: Clock, *, sealer: Sealer, passkeys: Passkeys, sessions: WebSessions, watch: Watch
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._sealer = sealer
        self._passkeys = passkeys
        self._sessions = sessions
        self._watch = watch
        self._throttle = Throttle(sealer)

    def password(self, browser: Browser, *, login: str, password: str) -> None:
        """Take login and password. Nothing comes back: what they were worth is told together with the code.

        Raises:
            TooManyTries: wait first.
        """
        now = self._clock.now()
        login = plain_login(login)
        self._count(browser, login, now)
        with self._engine.connect() as connection:
            found = connection.execute(_of_login(login)).first()
        right = passwords.fits(password, found.password_hash if found is not None else None)
        values = {
            "account_id": found.id if found is not None else None,
            "password_right": right,
            "expires_at": now + ATTEMPT_LIFETIME,
        }
        binding = digest(browser.token, kind="binding")
        with self._engine.begin() as connection:
            old = select(_T.c.id).where(_T.c.expires_at <= now).limit(_PURGED_AT_ONCE)
            connection.execute(delete(_T).where(_T.c.id.in_(old.with_for_update(skip_locked=True))))
            Throttle.purge(connection, now=now)
            statement = insert(_T).values(id=uuid4(), binding=binding, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=[_T.c.binding], set_=values))

    def one_time_code(self, browser: Browser, *, code: str) -> Entered:
        """Take the one-time code, and let in who also had the password right. One code for one password.

        Raises:
            SignInRefused: login, password or code did not fit.
        """
        now = self._clock.now()
        mine = and_(_T.c.binding == digest(browser.token, kind="binding"), _T.c.expires_at > now)
        with self._engine.begin() as connection:
            attempt = connection.execute(delete(_T).where(mine).returning(_T.c.account_id, _T.c.password_right)).first()
            account_id = attempt.account_id if attempt is not None else None
            query = select(_S.c.totp_seed).where(_S.c.id == (account_id or _NOBODY))
            sealed = connection.execute(query).scalar_one_or_none()
            seed = _NO_SEED if sealed is None or account_id is None else unsealed_seed(self._sealer, sealed, account_id)
            step = totp.step_of(seed, code, now=now)
            worth = step is not None and sealed is not None and attempt is not None and attempt.password_right
            unused = or_(_S.c.totp_step.is_(None), _S.c.totp_step < (step or 0))
            burn = update(_S).where(_S.c.id == (account_id if worth else _NOBODY), unused).values(totp_step=step)
            burnt = connection.execute(burn).rowcount == 1
            entered = self._enter(connection, browser, account_id, BY_PASSWORD, now) if burnt and account_id else None
        return self._told(entered, account_id, method="password")

    def recover(self, browser: Browser, *, login: str, password: str, code: str) -> Entered:
        """Take a recovery code, and the password where the account has one; all other sessions end.

        The session is good for setting up anew how the person signs in, and for nothing else.

        Raises:
            SignInRefused: something of it did not fit.
            TooManyTries: wait first.
        """
        now = self._clock.now()
        login = plain_login(login)
        self._count(browser, login, now)
        with self._engine.begin() as connection:
            found = connection.execute(_of_login(login)).first()
            account_id = found.id if found is not None else None
            kept = found.password_hash if found is not None else None
            right = passwords.fits(password, kept) or (found is not None and kept is None)
            there = _R.c.digest == recovery_digest(account_id, code)
            owned = _R.c.account_id == (account_id if right and account_id else _NOBODY)
            burnt = connection.execute(delete(_R).where(there, owned)).rowcount == 1
            entered = None
            if burnt and account_id:
                end_all(connection, account_id)
                entered = self._enter(connection, browser, account_id, BY_RECOVERY, now, stage=Stage.SETUP)
        return self._told(entered, account_id, method="recovery")

    def ask_for_passkey(self, browser: Browser) -> str:
        """Make the options for `navigator.credentials.get`, as JSON.

        Raises:
            TooManyTries: wait first.
        """
        now = self._clock.now()
        with self._engine.begin() as connection:
            self._throttle.take(connection, throttle.CEREMONY, throttle.network(browser.address), now=now)
            return self._passkeys.ask_to_sign_in(connection, browser.token, now=now)

    def passkey(self, browser: Browser, credential: Credential) -> Entered:
        """Take what a passkey signed.

        Raises:
            SignInRefused: it did not fit.
        """
        now = self._clock.now()
        with self._engine.begin() as connection:
            found = self._passkeys.sign_in(connection, browser.token, credential, now=now)
            account_id = found if isinstance(found, UUID) else None
            entered = self._enter(connection, browser, account_id, BY_PASSKEY, now) if account_id else None
        if isinstance(found, str):
            self._watch.warn("people.sign_in_refused", method="passkey", reason=found)
            raise SignInRefused(found)
        return self._told(entered, account_id, method="passkey")

    def count_ceremony(self, browser: Browser) -> None:
        """Count a step of signing in by the OpenID provider.

        Raises:
            TooManyTries: wait first.
        """
        now = self._clock.now()
        with self._engine.begin() as connection:
            self._throttle.take(connection, throttle.CEREMONY, throttle.network(browser.address), now=now)

    def provided(self, browser: Browser, *, subject: str) -> Entered:
        """Let in whom the OpenID provider vouches for, where an operator linked the account.

        Args:
            browser: who knocks.
            subject: issuer and subject, as they are kept.

        Raises:
            SignInRefused: no active account is linked to it.
        """
        now = self._clock.now()
        with self._engine.begin() as connection:
            found = select(_A.c.id).where(_A.c.openid_subject == subject)
            account_id = connection.execute(found).scalar_one_or_none()
            entered = self._enter(connection, browser, account_id, BY_PROVIDER, now) if account_id else None
        return self._told(entered, account_id, method="provider")

    def enrol(self, browser: Browser, *, code: str) -> Entered:
        """Take an enrolment code; the session is good for setting up how the person signs in.

        Raises:
            EnrolmentRefused: unknown, used or too old.
            TooManyTries: wait first.
        """
        now = self._clock.now()
        with self._engine.begin() as connection:
            self._throttle.take(connection, throttle.ADDRESS, throttle.network(browser.address), now=now)
        with self._engine.begin() as connection:
            mine = and_(_E.c.digest == digest(typed(code), kind="enrolment"), _E.c.expires_at > now)
            account_id = connection.execute(delete(_E).where(mine).returning(_E.c.id)).scalar_one_or_none()
            entered = None
            if account_id is not None:
                entered = self._enter(connection, browser, account_id, BY_ENROLMENT, now, stage=Stage.SETUP)
        if entered is None or account_id is None:
            self._watch.warn("people.enrolment_refused")
            raise EnrolmentRefused
        self._watch.tell("people.enrolment_begun", account_id)
        return entered

    def _count(self, browser: Browser, login: str, now: datetime) -> None:
        """Count a try, for the address and for the login, in transactions of their own: they outlast what follows."""
        with self._engine.begin() as connection:
            self._throttle.take(connection, throttle.ADDRESS, throttle.network(browser.address), now=now)
        with self._engine.begin() as connection:
            self._throttle.take(connection, *self._who(browser, login), now=now)

    def _who(self, browser: Browser, login: str) -> tuple[throttle.Policy, str]:
        device = browser.device or ""
        nonce, _, mark = device.partition(".")
        known = compare_digest(mark.encode(), self._mark(nonce, login).encode())
        return (throttle.DEVICE, nonce) if known else (throttle.LOGIN, login)

    def _mark(self, nonce: str, login: str) -> str:
        return urlsafe_b64encode(self._sealer.mac(f"{nonce} {login}", kind="device")).decode().rstrip("=")

    def _enter(
        self,
        connection: Connection,
        browser: Browser,
        account_id: UUID,
        amr: tuple[str, ...],
        now: datetime,
        *,
        stage: Stage = Stage.FULL,
    ) -> Entered | None:
        """Begin a session under a new token, and end the one the browser had. None when the account is suspended."""
        active = and_(_A.c.id == account_id, _A.c.status == AccountStatus.ACTIVE)
        entered = update(_A).where(active).returning(_A.c.login)
        login = connection.execute(entered.values(last_sign_in_at=now)).scalar_one_or_none()
        if login is None:
            return None
        if browser.session is not None:
            self._sessions.end_within(connection, browser.session)
        policy, who = self._who(browser, login)
        self._throttle.forgive(connection, policy, who)
        self._throttle.give_back(connection, throttle.ADDRESS, throttle.network(browser.address), now=now)
        nonce = new_token()
        token = self._sessions.start(connection, account_id, stage=stage, amr=amr)
        return Entered(token=token, stage=stage, device=f"{nonce}.{self._mark(nonce, login)}")

    def _told(self, entered: Entered | None, account_id: UUID | None, *, method: str) -> Entered:
        if entered is None or account_id is None:
            self._watch.warn("people.sign_in_refused", method=method)
            raise SignInRefused(method)
        self._watch.tell("people.signed_in", account_id, method=method)
        return entered


def plain_login(login: str) -> str:
    """Read a login as people type it."""
    return login.strip()[:LOGIN_MOST].lower().replace("\x00", "")


def _of_login(login: str) -> Select[tuple[UUID, str | None]]:
    """Find an account that may sign in, with the hash of its password where it has one."""
    found = select(_A.c.id, _S.c.password_hash).outerjoin(_S, _S.c.id == _A.c.id)
    return found.where(_A.c.login == login, _A.c.status == AccountStatus.ACTIVE)
