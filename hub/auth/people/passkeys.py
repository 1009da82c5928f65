"""Passkeys: enrolling them and signing in with them. User verification is always asked for.

A challenge is good once, for one browser and one ceremony, for five minutes; it is burnt before anything else is looked
at. The counter may only go up. Signing in asks for no login: the passkey says whose it is.
Source: W3C Web Authentication Level 3, sections 7.1 and 7.2.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

from sqlalchemy import Connection, and_, delete, insert, literal, or_, select, update
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import generate_challenge
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hub.auth.people.codes import Token, digest
from hub.auth.people.errors import FactorRefused
from hub.auth.people.place import Place
from schema.tables import ChallengeRow, PasskeyRow
from schema.tables.base import table_of
from schema.tables.people import Ceremony

Credential: TypeAlias = Mapping[str, Any]  # Any: JSON from a browser, unchecked
CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
PASSKEYS_MOST: Final = 10
LABEL_MOST: Final = 60
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
_PURGED_AT_ONCE: Final = 100
_C: Final = table_of(ChallengeRow)
_P: Final = table_of(PasskeyRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey in the list of its owner."""

    id: UUID
    label: str
    created_at: datetime
    last_used_at: datetime | None


class Passkeys:
    """The two ceremonies. Each call runs in its caller's transaction."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def ask_to_sign_in(self, connection: Connection, browser: Token, *, now: datetime) -> str:
        """Make the options for `navigator.credentials.get`, as JSON.

        Source: Web Authentication, section 5.5.
        """
        options = generate_authentication_options(
            rp_id=self._place.rp_id,
            challenge=_challenge(connection, browser, Ceremony.SIGN_IN, now=now),
            timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def ask_to_enrol(
        self, connection: Connection, browser: Token, *, account_id: UUID, login: str, name: str, now: datetime
    ) -> str:
        """Make the options for `navigator.credentials.create`, as JSON; passkeys already there are left out.

        Source: Web Authentication, section 5.4.
        """
        known = connection.execute(select(_P.c.credential_id).where(_P.c.account_id == account_id)).scalars()
        options = generate_registration_options(
            rp_id=self._place.rp_id,
            rp_name="ICORN hub",
            user_id=account_id.bytes,
            user_name=login,
            user_display_name=name,
            challenge=_challenge(connection, browser, Ceremony.ENROL, now=now),
            timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
        return options_to_json(options)

    def sign_in(self, connection: Connection, browser: Token, credential: Credential, *, now: datetime) -> UUID | str:
        """Check what a passkey signed.

        Returns:
            the account's id, or for the operators' log the reason why not: the caller commits either way, so that a
            challenge stays burnt.
        """
        challenge = _burn(connection, browser, Ceremony.SIGN_IN, credential, now=now)
        if challenge is None:
            return "challenge"
        passkey = connection.execute(select(_P).where(_P.c.credential_id == _raw_id(credential))).first()
        if passkey is None:
            return "passkey_unknown"
        handle = _bytes(_inside(credential, "response", "userHandle"))
        if handle is not None and handle != passkey.account_id.bytes:
            return "passkey_of_another"
        try:
            proof = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._place.rp_id,
                expected_origin=list(self._place.origins),
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # looked at below, in the statement that moves it on
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001  # whatever a stranger's bytes do to the parsers, it is a refusal
            return type(error).__name__
        count = proof.new_sign_count
        onward = or_(_P.c.sign_count < count, and_(_P.c.sign_count == 0, literal(count) == 0))
        moved = update(_P).where(_P.c.id == passkey.id, onward).values(sign_count=count, last_used_at=now)
        if connection.execute(moved).rowcount != 1:
            return "passkey_counter"
        account_id: UUID = passkey.account_id
        return account_id

    def enrol(
        self, connection: Connection, browser: Token, credential: Credential, *, account_id: UUID, label: str,
        now: datetime,
    ) -> FactorRefused | None:  # fmt: skip
        """Keep a new passkey. What is wrong is returned, not raised, so that a challenge stays burnt."""
        challenge = _burn(connection, browser, Ceremony.ENROL, credential, now=now)
        if challenge is None:
            return FactorRefused("This took too long. Try again.")
        try:
            proof = verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._place.rp_id,
                expected_origin=list(self._place.origins),
                require_user_verification=True,
            )
        except Exception:  # noqa: BLE001  # as above
            return FactorRefused("The hub could not use this passkey. Try another device or key.")
        taken = or_(_P.c.credential_id == proof.credential_id, _P.c.account_id == account_id)
        there = connection.execute(select(_P.c.credential_id).where(taken)).scalars().all()
        if proof.credential_id in there:
            return FactorRefused("This passkey is enrolled already.")
        if len(there) >= PASSKEYS_MOST:
            return FactorRefused(f"You have {PASSKEYS_MOST} passkeys. Remove one first.")
        values = {
            "id": uuid4(),
            "account_id": account_id,
            "credential_id": proof.credential_id,
            "public_key": proof.credential_public_key,
            "sign_count": proof.sign_count,
            "label": _shown(label) or "Passkey",
            "transports": _transports(credential),
            "created_at": now,
        }
        connection.execute(insert(_P).values(values))
        return None


def listed(connection: Connection, account_id: UUID) -> list[Passkey]:
    """List the passkeys of an account, the oldest first."""
    columns = (_P.c.id, _P.c.label, _P.c.created_at, _P.c.last_used_at)
    rows = connection.execute(select(*columns).where(_P.c.account_id == account_id).order_by(_P.c.created_at, _P.c.id))
    return [Passkey(**row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name for it


def _challenge(connection: Connection, browser: Token, ceremony: Ceremony, *, now: datetime) -> bytes:
    challenge = generate_challenge()
    old = select(_C.c.id).where(_C.c.expires_at <= now).limit(_PURGED_AT_ONCE).with_for_update(skip_locked=True)
    connection.execute(delete(_C).where(_C.c.id.in_(old)))
    values = {"id": uuid4(), "digest": digest(challenge.hex(), kind="challenge"), "ceremony": ceremony}
    binding = digest(browser, kind="binding")
    connection.execute(insert(_C).values(values | {"binding": binding, "expires_at": now + CHALLENGE_LIFETIME}))
    return challenge


def _burn(
    connection: Connection, browser: Token, ceremony: Ceremony, credential: Credential, *, now: datetime
) -> bytes | None:
    """Burn the challenge a passkey says it signed, by one statement; None when it is not ours, used, or too old."""
    challenge = _said_challenge(credential)
    if challenge is None:
        return None
    mine = and_(
        _C.c.digest == digest(challenge.hex(), kind="challenge"),
        _C.c.binding == digest(browser, kind="binding"),
        _C.c.ceremony == ceremony,
        _C.c.expires_at > now,
    )
    return challenge if connection.execute(delete(_C).where(mine)).rowcount == 1 else None


def _said_challenge(credential: Credential) -> bytes | None:
    """Read the challenge, unless the page was framed by another site."""
    data = _bytes(_inside(credential, "response", "clientDataJSON"))
    try:
        said = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("crossOrigin", False) is not False or "topOrigin" in said:
        return None
    return _bytes(said.get("challenge"))


def _raw_id(credential: Credential) -> bytes:
    return _bytes(credential.get("rawId")) or b""


def _shown(label: object) -> str:
    text = label if isinstance(label, str) else ""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:LABEL_MOST].strip()


def _transports(credential: Credential) -> list[str]:
    said = _inside(credential, "response", "transports")
    named = {each for each in said if isinstance(each, str)} if isinstance(said, list) else set()
    return sorted(_TRANSPORTS & named)


def _inside(credential: Credential, *names: str) -> object:
    value: object = credential
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _bytes(text: object) -> bytes | None:
    try:
        return base64url_to_bytes(text) if isinstance(text, str) else None
    except ValueError:
        return None
