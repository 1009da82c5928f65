"""How one person signs in: passkeys, password with one-time codes, recovery codes; set up, changed, taken away.

Who is fully signed in must have been so of late to change any of this. The last way to sign in cannot be taken away.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.auth.people import passwords, totp
from hub.auth.people.codes import RECOVERY_CODES, Token, digest, new_recovery_code, typed
from hub.auth.people.errors import FactorRefused, StaleSession
from hub.auth.people.passkeys import Credential, Passkey, Passkeys, listed
from hub.auth.people.sealing import Sealer
from hub.auth.people.sessions import Session
from hub.auth.people.watch import Watch
from hub.clock import Clock
from schema.tables import AccountRow, AccountSecretRow, PasskeyRow, RecoveryCodeRow
from schema.tables.base import table_of

ISSUER: Final = "ICORN hub"
_A: Final = table_of(AccountRow)
_S: Final = table_of(AccountSecretRow)
_P: Final = table_of(PasskeyRow)
_R: Final = table_of(RecoveryCodeRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways in that a person has."""

    passkeys: tuple[Passkey, ...]
    password: bool
    """Password and one-time codes: neither counts without the other."""
    password_only: bool
    """A password that still waits for its one-time codes."""
    recovery_codes: int

    @property
    def enough(self) -> bool:
        """True when setting up is done."""
        return (bool(self.passkeys) or self.password) and self.recovery_codes > 0


@dataclass(frozen=True, slots=True)
class Seed:
    """A new seed to show once."""

    text: str
    address: str


class Factors:
    """Changes how people sign in."""

    def __init__(self, engine: Engine, clock: Clock, sealer: Sealer, passkeys: Passkeys, watch: Watch) -> None:
        self._engine = engine
        self._clock = clock
        self._sealer = sealer
        self._passkeys = passkeys
        self._watch = watch

    def ways(self, account_id: UUID) -> Ways:
        """Tell the ways in that a person has."""
        with self._engine.connect() as connection:
            return _ways(connection, account_id)

    def ask_for_passkey(self, session: Session, browser: Token) -> str:
        """Make the options for a new passkey, as JSON."""
        self._refuse_stale(session)
        with self._engine.begin() as connection:
            return self._passkeys.ask_to_enrol(
                connection,
                browser,
                account_id=session.account_id,
                login=session.login,
                name=session.name,
                now=self._clock.now(),
            )

    def add_passkey(self, session: Session, browser: Token, credential: Credential, *, label: str) -> None:
        """Keep a new passkey.

        Raises:
            FactorRefused: it does not fit what was asked for.
        """
        self._refuse_stale(session)
        with self._engine.begin() as connection:
            _lock(connection, session.account_id)
            refused = self._passkeys.enrol(
                connection, browser, credential, account_id=session.account_id, label=label, now=self._clock.now()
            )
        if refused is not None:
            raise refused
        self._watch.tell("people.passkey_added", session.account_id)

    def remove_passkey(self, session: Session, passkey_id: UUID) -> None:
        """Take a passkey away, unless it is the last way in."""
        self._refuse_stale(session)
        with self._engine.begin() as connection:
            _lock(connection, session.account_id)
            mine = and_(_P.c.account_id == session.account_id, _P.c.id == passkey_id)
            gone = connection.execute(delete(_P).where(mine)).rowcount
            _refuse_none_left(_ways(connection, session.account_id))
        if gone:
            self._watch.tell("people.passkey_removed", session.account_id)

    def set_password(self, session: Session, password: str) -> None:
        """Set a password. It opens nothing until one-time codes are set up.

        Raises:
            FactorRefused: it is easily guessed.
        """
        self._refuse_stale(session)
        passwords.refuse_weak(password, about=(session.login, session.name))
        kept = passwords.hashed(password)
        with self._engine.begin() as connection:
            statement = upsert(_S).values(id=session.account_id, password_hash=kept)
            new = {"password_hash": kept}
            connection.execute(statement.on_conflict_do_update(index_elements=[_S.c.id], set_=new))
        self._watch.tell("people.password_set", session.account_id)

    def offer_seed(self, session: Session) -> Seed:
        """Make a seed for one-time codes and lay it by until a code of it is shown; a second call shows the same."""
        self._refuse_stale(session)
        with self._engine.begin() as connection:
            _lock(connection, session.account_id)
            query = select(_S.c.totp_seed_new).where(_S.c.id == session.account_id)
            sealed = connection.execute(query).scalar_one_or_none()
            if sealed is not None:
                text = self._sealer.unseal(sealed, place=_place(session.account_id))
            else:
                text = totp.new_seed()
                kept = {"totp_seed_new": self._sealer.seal(text, place=_place(session.account_id))}
                statement = upsert(_S).values(id=session.account_id, **kept)
                connection.execute(statement.on_conflict_do_update(index_elements=[_S.c.id], set_=kept))
        return Seed(text, totp.address(text, login=session.login, issuer=ISSUER))

    def confirm_seed(self, session: Session, code: str) -> None:
        """Take the new seed into use, now that the app shows right codes. The code counts as used.

        Raises:
            FactorRefused: the code is not one of the new seed.
        """
        self._refuse_stale(session)
        with self._engine.begin() as connection:
            _lock(connection, session.account_id)
            query = select(_S.c.totp_seed_new).where(_S.c.id == session.account_id)
            sealed = connection.execute(query).scalar_one_or_none()
            step = None
            if sealed is not None:
                seed = self._sealer.unseal(sealed, place=_place(session.account_id))
                step = totp.step_of(seed, code, now=self._clock.now())
            if step is None:
                raise FactorRefused("This code does not fit. Wait for the next one, and check the clock of the phone.")
            taken = {"totp_seed": sealed, "totp_step": step, "totp_seed_new": None}
            connection.execute(update(_S).where(_S.c.id == session.account_id).values(taken))
        self._watch.tell("people.one_time_codes_set", session.account_id)

    def remove_password(self, session: Session) -> None:
        """Take password and one-time codes away, unless they are the last way in."""
        self._refuse_stale(session)
        with self._engine.begin() as connection:
            _lock(connection, session.account_id)
            connection.execute(delete(_S).where(_S.c.id == session.account_id))
            _refuse_none_left(_ways(connection, session.account_id))
        self._watch.tell("people.password_removed", session.account_id)

    def new_recovery_codes(self, session: Session) -> list[str]:
        """Make ten recovery codes, to be shown once. The earlier ones end."""
        self._refuse_stale(session)
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        rows = [
            {"id": uuid4(), "account_id": session.account_id, "digest": recovery_digest(session.account_id, code)}
            for code in codes
        ]
        with self._engine.begin() as connection:
            _lock(connection, session.account_id)
            connection.execute(delete(_R).where(_R.c.account_id == session.account_id))
            connection.execute(insert(_R), rows)
        self._watch.tell("people.recovery_codes_made", session.account_id)
        return codes

    def _refuse_stale(self, session: Session) -> None:
        if not session.fresh(now=self._clock.now()):
            raise StaleSession


def recovery_digest(account_id: UUID | None, code: str) -> bytes:
    """Hash a recovery code, for one account."""
    return digest(f"{account_id} {typed(code)}", kind="recovery")


def unsealed_seed(sealer: Sealer, sealed: bytes, account_id: UUID) -> str:
    """Open the seed of an account."""
    return sealer.unseal(sealed, place=_place(account_id))


def _place(account_id: UUID) -> str:
    return f"account_secret.totp_seed.{account_id}"


def _lock(connection: Connection, account_id: UUID) -> None:
    """Let changes to one account go one after the other."""
    connection.execute(select(_A.c.id).where(_A.c.id == account_id).with_for_update())


def _ways(connection: Connection, account_id: UUID) -> Ways:
    both = and_(_S.c.password_hash.is_not(None), _S.c.totp_seed.is_not(None))
    secret = connection.execute(select(both, _S.c.password_hash.is_not(None)).where(_S.c.id == account_id)).first()
    codes = connection.execute(select(func.count()).where(_R.c.account_id == account_id)).scalar_one()
    return Ways(
        passkeys=tuple(listed(connection, account_id)),
        password=bool(secret and secret[0]),
        password_only=bool(secret and secret[1] and not secret[0]),
        recovery_codes=codes,
    )


def _refuse_none_left(ways: Ways) -> None:
    if not ways.passkeys and not ways.password:
        raise FactorRefused("This is your last way to sign in. Set up another one first.")
