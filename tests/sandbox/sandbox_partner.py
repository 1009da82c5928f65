"""What a sandbox partner does: takes handoffs in, works on them, and hands people over itself.

It speaks with the hub by the connectors' own functions, from the other end.

Long, because one partner is one thing: what it takes in, works on and sends shares its books.
"""

import json
import random
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from joserfc.jwk import ECKey, OKPKey

from connectors import handoff as wire
from connectors.egress import Egress
from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from connectors.handoff import Read
from connectors.messages import Answer, Certificate, Envelope, Form, Message, Notice, Packet, Receipt, Terms, Withdrawal
from connectors.networks import icorn
from connectors.registry import network
from connectors.signed import Reach, Token
from connectors.signing import Me, digest, me_from, new_keys, private_jwks, unchecked
from tests.sandbox.config import Behaviour, Config
from tests.sandbox.ledger import Ledger
from tests.sandbox.trouble import ALL, Trouble

MADE_UP = {
    "case": {"languages": ["ar"], "support": ["residency"], "urgency": "normal"},
    "identity": {"legal_name": "Imre Velin (made up)"},
}
ENDED = {"declined", "withdrawn", "consent_revoked", "expired", "entered_in_error", "closed", "duplicate"}
CAUSES = {
    "withdrawn": "withdrawn",
    "consent_revoked": "consent_revoked",
    "entered_in_error": "entered_in_error",
    "agreement_ended": "withdrawn",
    "expired": "expired",
    "erasure": "consent_revoked",
}
KEEP_SECONDS = 2.0
AFTER = {
    "take": "in_review",
    "accept": "accepted",
    "decline": "declined",
    "waitlist": "waitlisted",
    "start": "in_progress",
    "report_outcome": "outcome_reported",
}


def now() -> datetime:
    return datetime.now(UTC)


class Partner:
    """One sandbox partner and its books."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.issuer = config.issuer or f"http://127.0.0.1:{config.port}"
        self.ledger = Ledger(config.data, sync=config.sync)
        self.trouble = Trouble(
            rate=config.rate,
            seed=config.seed,
            kinds=config.kinds or ALL,
            seconds=config.slow_seconds,
            hang_seconds=config.hang_seconds,
            # In the books, so that those of a partner that was killed are known, too.
            told=lambda kind, path: self.ledger.note("trouble", kind=kind, path=path),
        )
        self.behaviour = config.behaviour
        self.network = network(config.network)
        self.me = self._keys()
        self.forger = new_keys(self.issuer)
        self.words = self.network.partner(self.network.settings(reach=self._reach()), self.me, now=now)
        self.hub = icorn.Icorn(icorn.Settings(reach=self._reach()), self.me, now=now, egress=self._egress())

    def _keys(self) -> Me:
        if self.config.jwks:
            return me_from(self.issuer, self.config.jwks)
        file = self.config.data / "keys.json"
        if not file.exists():
            # At once, or not at all: it may be killed here, too.
            new = file.with_suffix(".new")
            new.touch(mode=0o600)
            new.write_text(json.dumps(private_jwks(new_keys(self.issuer))))
            new.rename(file)
        return me_from(self.issuer, json.loads(file.read_text()))

    def _reach(self) -> Reach:
        hub = self.config.hub
        base = hub.base or hub.issuer
        token = None
        if hub.client_id:
            key = (ECKey if hub.key["kty"] == "EC" else OKPKey).import_key(hub.key)
            token = Token(
                issuer=hub.issuer,
                client_id=hub.client_id,
                kid=hub.key.get("kid") or key.thumbprint(),
                key=key,
                scope=hub.scope or None,
                resource=hub.graphql or None,
            )
        jwks_uri = hub.jwks_uri or f"{base}/handoff/jwks"
        return Reach(issuer=hub.issuer, base=base, jwks_uri=jwks_uri, token=token, loopback=True)

    def _egress(self) -> Egress:
        reach = self._reach()
        timeout = self.config.fetch_timeout_seconds
        return Egress.to(
            reach.base,
            reach.jwks_uri,
            reach.issuer,
            loopback=True,
            timeout_seconds=timeout,
            # A connection for each packet would cost both sides as much as the packet.
            keep_seconds=KEEP_SECONDS,
        )

    # ---- What comes in ------------------------------------------------------------------------------------------

    async def take_in(self, body: str, *, forged: bool = False) -> str | None:
        """Take in what came to the inbox, and give the token to answer with.

        What came is written down before anything is answered.
        """
        try:
            read = await self.hub.verify_push(body)
            return await self._taken(read, self.forger if forged else self.me)
        except ConnectorError as error:
            self.ledger.note("refused", code=error.code, reason=error.reason, **error.facts)
            raise

    async def _taken(self, read: Read[Message], signer: Me) -> str | None:
        message = read.message
        with self.ledger.writing():
            known = self.ledger.one("select substance from once where jti = ?", str(message.jti))
            wire.already(known and known["substance"], wire.substance(message))
            row = (str(message.jti), wire.substance(message), time.time())
            self.ledger.run("insert or ignore into once values (?, ?, ?)", *row)
        match message:
            case Notice():
                return await self._noticed(message, signer)
            case Packet():
                self._keep(Read(message, read.jws))
                return self.receipt(message.handoff, signer)
            case Receipt():
                self._receipt_in(message)
            case Answer():
                self._answered(message)
            case Withdrawal():
                return self._stopped(Read(message, read.jws), signer)
            case Certificate():
                self.ledger.note("certificate_in", message.handoff, answer=message.answer, stop=message.stop)
        return None

    async def _noticed(self, notice: Notice, signer: Me) -> str | None:
        with self.ledger.writing():
            known = self.ledger.handoff(notice.handoff)
            self._not_over(known, notice.handoff)
            if known and notice.version == known["version"] and notice.digest != known["digest"]:
                raise Refused("the same id came with another body", problem="reused")
            if known is None:
                self.ledger.run("insert into handoff (id, mine, state) values (?, 0, 'sent')", str(notice.handoff))
            self.ledger.run(
                "update handoff set wanted = ?, wanted_digest = ?, fetch_at = ?, tries = 0"
                " where id = ? and version < ? and wanted < ?",
                notice.version,
                notice.digest,
                # Fetched at once below; the worker comes only if that was cut short.
                self._fetch_at(),
                str(notice.handoff),
                notice.version,
                notice.version,
            )
            self.ledger.note(
                "notice", notice.handoff, version=notice.version, digest=notice.digest, signed_at=notice.iat
            )
        row = self.ledger.handoff(notice.handoff)
        if row["version"] < notice.version and self.behaviour.receipt == "answer":
            try:
                await self.fetch(notice.handoff)
            except ConnectorError:
                return None
            row = self.ledger.handoff(notice.handoff)
        if row["version"] < notice.version or self.behaviour.receipt != "answer":
            return None
        return self.receipt(notice.handoff, signer)

    def _fetch_at(self) -> float | None:
        if self.behaviour.receipt == "answer":
            return time.time() + self.config.fetch_timeout_seconds + 1
        return None if self.behaviour.fetch_seconds < 0 else time.time() + self.behaviour.fetch_seconds

    def _not_over(self, row: Any, handoff: UUID) -> None:
        if row and (row["mine"] or (row["stop"] is not None and row["state"] in ENDED)):
            self.ledger.note("late", handoff, state=row["state"])
            raise Refused("it was stopped, and nothing of it is taken in again", problem="stopped")

    async def fetch(self, handoff: UUID, *, later: bool = False) -> None:
        """Fetch a packet we were told of, and keep it; `later`, its receipt is brought by and by."""
        row = self.ledger.handoff(handoff)
        self.ledger.note("fetch", handoff, version=row["wanted"])
        try:
            read = await self.hub.fetch(handoff)
            if (read.message.version, read.digest) != (row["wanted"], row["wanted_digest"]):
                raise Unauthorized("it is not the packet the notice told of")
        except ConnectorError as error:
            self.ledger.note("fetch_failed", handoff, code=error.code, reason=error.reason)
            with self.ledger.writing():
                tries = row["tries"] + 1
                again = None if error.code in {"refused", "unsupported"} else time.time() + waited(tries, error)
                self.ledger.run("update handoff set tries = ?, fetch_at = ? where id = ?", tries, again, str(handoff))
            raise
        self._keep(read, later=later)

    def _keep(self, read: Read[Packet], *, later: bool = False) -> None:
        """Write a packet down, once for each version. What was stopped meanwhile is not kept."""
        packet = read.message
        with self.ledger.writing():
            row = self.ledger.handoff(packet.handoff)
            self._not_over(row, packet.handoff)
            if row and row["version"] >= packet.version:
                if row["version"] == packet.version and row["digest"] != read.digest:
                    raise Refused("the same id came with another body", problem="reused")
                return
            if row is None:
                self.ledger.run("insert into handoff (id, mine, state) values (?, 0, 'sent')", str(packet.handoff))
            first = row is None or row["version"] == 0
            self.ledger.run(
                "update handoff set version = ?, digest = ?, packet = ?, receipt_due = ?, tries = 0, wanted = ?,"
                " fetch_at = null"
                " where id = ?",
                packet.version,
                read.digest,
                read.jws,
                time.time() if later or self.behaviour.receipt != "answer" else None,
                packet.version,
                str(packet.handoff),
            )
            if first:
                self._plan(packet.handoff, "received", "take", self.behaviour.take_seconds)
            decoded = self.hub_words(packet.form)
            self.ledger.note("packet", packet.handoff, version=packet.version, digest=read.digest, **decoded)

    def hub_words(self, form: Form) -> dict[str, Any]:
        """Tell which fields were understood, never their values."""
        decoded = self.words.decode(form)
        return {
            "fields": sorted(f"{category}.{name}" for category, fields in decoded.content.items() for name in fields),
            "unmapped": sorted(each.field for each in decoded.unmapped),
        }

    def receipt(self, handoff: UUID, signer: Me) -> str:
        """Sign that we hold the packet: anew each time, for the same packet."""
        row = self.ledger.handoff(handoff)
        if row["packet"] is None:
            raise Refused("it was stopped, and nothing of it is taken in again", problem="stopped")
        packet = Read(msgspec.convert(unchecked(row["packet"]), Packet), row["packet"])
        token = wire.sign_receipt(packet, signer, now=now(), reference=f"{self.config.network}-{row['version']}")
        with self.ledger.writing():
            self.ledger.run("update handoff set receipt = ? where id = ?", token, str(handoff))
            self.ledger.note(
                "receipt", handoff, version=row["version"], digest=row["digest"], forged=signer is self.forger
            )
        return token

    def _stopped(self, stop: Read[Withdrawal], signer: Me) -> str | None:
        """Stop, delete, and certify it. A stop may come before what it stops: then that is never taken in."""
        message = stop.message
        with self.ledger.writing():
            row = self.ledger.handoff(message.handoff)
            if row is None:
                self.ledger.run("insert into handoff (id, mine, state) values (?, 0, 'sent')", str(message.handoff))
            known = self._message(message.handoff, "theirs", message.number)
            if not wire.already(known and known["substance"], wire.substance(message)):
                self._note_theirs(message, "stop")
                self._delete(message)
        self._advance(message.handoff)
        if self.behaviour.certificate == "never":
            return None
        if self.behaviour.certificate == "push":
            self.ledger.run("update handoff set certificate_due = ? where id = ?", message.number, str(message.handoff))
            return None
        return self.certificate(message.handoff, message.number, signer)

    def certificate(self, handoff: UUID | str, number: int, signer: Me) -> str:
        """Sign that what a stop notice asked for is done: anew each time, for the same notice."""
        body = self._message(handoff, "theirs", number)["body"]
        stop = Read(msgspec.json.decode(body, type=Withdrawal), "")
        token = wire.sign_certificate(stop, signer, answer="deleted", at=now(), now=now())
        with self.ledger.writing():
            self.ledger.run("update handoff set certificate = ? where id = ?", token, str(handoff))
            self.ledger.note("certificate", handoff, stop=number, answer="deleted")
        return token

    def _delete(self, stop: Withdrawal) -> None:
        """Delete what is held; the state changes unless consent was only narrowed."""
        state = CAUSES.get(stop.cause)
        where = str(stop.handoff)
        self.ledger.run("update handoff set packet = null, receipt_due = null where id = ?", where)
        if state is not None:
            self.ledger.run(
                "update handoff set state = ?, next = null, next_at = null, fetch_at = null, stop = ?, wanted = version"
                " where id = ?",
                state,
                stop.number,
                where,
            )
            self._hush(where)
        self.ledger.note("stop", stop.handoff, number=stop.number, cause=stop.cause, keep=list(stop.keep))

    def _hush(self, handoff: str) -> None:
        """Bring nothing more of what was written down."""
        self.ledger.run(
            "update message set done_at = ? where handoff = ? and side = 'ours' and done_at is null",
            time.time(),
            handoff,
        )

    # ---- What it does with them ---------------------------------------------------------------------------------

    def _plan(self, handoff: UUID | str, state: str, following: str | None, seconds: float) -> None:
        at = None if following is None or seconds < 0 else time.time() + seconds
        self.ledger.run(
            "update handoff set state = ?, next = ?, next_at = ? where id = ?", state, following, at, str(handoff)
        )

    def work_on(self, row: Any) -> None:
        """Take the next step, and write down the answer that tells of it, in one."""
        behaviour = self.behaviour
        event = {"take": "take", "decide": behaviour.decision, "start": "start", "outcome": "report_outcome"}[
            row["next"]
        ]
        following, seconds = {
            "take": ("decide", behaviour.decide_seconds),
            "accept": ("start", behaviour.start_seconds),
            "start": ("outcome", behaviour.outcome_seconds),
        }.get(event, (None, -1.0))
        packet = unchecked(row["packet"]) if row["packet"] else {"envelope": {"services": []}}
        what: dict[str, Any] = {}
        if event == "decline":
            what["reason"] = behaviour.decline_reason or next(iter(self.network.partner.decline_reasons), "other")
        if event == "report_outcome":
            words = next(iter(self.network.partner.closing_reasons), "helped_as_asked")
            what["reason"] = behaviour.closing_reason or words
        if event == "waitlist":
            what["on"] = (date.today() + timedelta(days=30)).isoformat()  # noqa: DTZ011  # a day far away
        if event in {"accept", "decline"}:
            given = event == "accept"
            reason = {} if given else {"reason": what["reason"]}
            what["services"] = [{"kind": kind, "given": given} | reason for kind in packet["envelope"]["services"]]
        with self.ledger.writing():
            self._plan(row["id"], AFTER[event], following, seconds)
            self.say(row["id"], event, AFTER[event], **what)

    def say(self, handoff: str, event: str, state: str, **what: Any) -> None:
        """Write down an answer of ours; it is brought by and by. Within a transaction."""
        row = self.ledger.handoff(handoff)
        number = row["number"] + 1
        body = {"handoff": handoff, "number": number, "seen": row["seen"], "event": event, "state": state}
        body |= {"at": int(time.time())} | what
        self._write(handoff, number, "answer", body)

    def _write(self, handoff: str, number: int, kind: str, body: dict[str, Any]) -> None:
        seq = (self.ledger.one("select max(seq) as last from message")["last"] or 0) + 1
        self.ledger.run("update handoff set number = ? where id = ?", number, handoff)
        self.ledger.run(
            "insert into message (handoff, side, number, kind, body, seq) values (?, 'ours', ?, ?, ?, ?)",
            handoff,
            number,
            kind,
            json.dumps(body),
            seq,
        )
        self.ledger.note(kind, handoff, number=number, event=body.get("event"), state=body.get("state"))

    def signed(self, row: Any, signer: Me | None = None) -> str:
        """Sign an answer or a stop notice of ours, anew."""
        body = json.loads(row["body"])
        signer = signer or self.me
        kind = Answer if row["kind"] == "answer" else Withdrawal
        # The types of the fields are those of the message.
        base = {"iss": signer.issuer, "aud": self.config.hub.issuer, "jti": str(uuid4()), "iat": 0, "exp": 1}
        message = msgspec.convert(base | body, kind)
        what = {name: getattr(message, name) for name in body}
        if kind is Answer:
            return wire.make_answer(signer, self.config.hub.issuer, now=now(), **what)
        what["at"] = datetime.fromtimestamp(what["at"], UTC)
        return wire.make_withdrawal(signer, self.config.hub.issuer, now=now(), **what)

    # ---- Its own referrals --------------------------------------------------------------------------------------

    def hand_over(self, told: dict[str, Any]) -> UUID:
        """Freeze and sign a packet of our own; the notice is brought by and by."""
        handoff = uuid4()
        content = told.get("content", MADE_UP)
        form = self.words.encode(content)
        envelope = {"purpose": "residency_placement", "urgency": "normal", "services": ["residency"]}
        token = wire.make_packet(
            self.me,
            self.config.hub.issuer,
            handoff=handoff,
            version=1,
            envelope=msgspec.convert(envelope | told.get("envelope", {}), Envelope),
            terms=Terms(
                categories=tuple(content),
                until=(now() + timedelta(days=90)).date(),
                basis=told.get("basis", "art9_2_a"),
            ),
            form=form,
            now=now(),
            until=now() + timedelta(days=90),
        )
        following = "submit" if told.get("submit") else "send"
        with self.ledger.writing():
            self.ledger.run(
                "insert into handoff (id, mine, state, version, digest, packet, next, next_at)"
                " values (?, 1, 'sent', 1, ?, ?, ?, ?)",
                str(handoff),
                digest(token),
                token,
                following,
                time.time(),
            )
            self.ledger.note("own", handoff, digest=digest(token))
        return handoff

    def take_back(self, handoff: UUID, cause: str = "withdrawn") -> None:
        """Stop a referral of our own."""
        with self.ledger.writing():
            row = self.ledger.handoff(handoff)
            body = {"handoff": str(handoff), "number": row["number"] + 1, "at": int(time.time()), "cause": cause}
            self._plan(handoff, CAUSES[cause], None, -1)
            self.ledger.run("update handoff set packet = null, stop = ? where id = ?", body["number"], str(handoff))
            self._hush(str(handoff))
            self._write(str(handoff), body["number"], "stop", body)

    def _receipt_in(self, receipt: Receipt) -> None:
        with self.ledger.writing():
            row = self.ledger.handoff(receipt.handoff)
            if row is None or not row["mine"] or row["digest"] != receipt.digest:
                raise Unauthorized("the receipt is for another packet")
            if row["state"] == "sent":
                self._plan(receipt.handoff, "received", None, -1)
            self.ledger.note("receipt_in", receipt.handoff, digest=receipt.digest)

    def _answered(self, answer: Answer) -> None:
        with self.ledger.writing():
            row = self.ledger.handoff(answer.handoff)
            if row is None:
                raise Refused("there is no such handoff", problem="unknown")
            wire.within_reach(row["seen"], answer)
            known = self._message(answer.handoff, "theirs", answer.number)
            if wire.already(known and known["substance"], wire.substance(answer)):
                self.ledger.note("known", answer.handoff, number=answer.number)
                return
            self._note_theirs(answer, "answer")
        self._advance(answer.handoff)

    def _note_theirs(self, message: Answer | Withdrawal, kind: str) -> None:
        self.ledger.run(
            "insert into message (handoff, side, number, kind, substance, body, seq)"
            " values (?, 'theirs', ?, ?, ?, ?, 0)",
            str(message.handoff),
            message.number,
            kind,
            wire.substance(message),
            msgspec.json.encode(message).decode(),
        )
        self.ledger.note(f"{kind}_in", message.handoff, number=message.number, event=getattr(message, "event", None))

    def _message(self, handoff: UUID | str, side: str, number: int) -> Any:
        return self.ledger.one(
            "select * from message where handoff = ? and side = ? and number = ?", str(handoff), side, number
        )

    def _advance(self, handoff: UUID) -> None:
        """Take in, in their order, what has come without a gap."""
        row = self.ledger.handoff(handoff)
        waiting = self.ledger.all(
            "select * from message where handoff = ? and side = 'theirs' and number > ?", str(handoff), row["seen"]
        )
        kinds = {"answer": Answer, "stop": Withdrawal}
        messages = [msgspec.json.decode(each["body"], type=kinds[each["kind"]]) for each in waiting]
        for message in wire.in_order(row["seen"], messages):
            with self.ledger.writing():
                row = self.ledger.handoff(handoff)
                if message.number == row["seen"] + 1:
                    self.ledger.run("update handoff set seen = ? where id = ?", message.number, str(handoff))
                if isinstance(message, Withdrawal) or row["state"] in ENDED:
                    continue
                self._plan(handoff, message.state, row["next"], -1 if row["mine"] else 0)
                if row["mine"] and message.event in {"report_outcome", "person_safe"} and self.behaviour.confirm:
                    self.say(str(handoff), "confirm", "closed")
                    self._plan(handoff, "closed", None, -1)

    def behave(self, told: dict[str, Any]) -> None:
        """Change how it works."""
        self.behaviour = msgspec.convert(msgspec.to_builtins(self.behaviour) | told, Behaviour)


def waited(tries: int, error: ConnectorError | None = None) -> float:
    """Wait longer each time, half a second to ten."""
    least = error.retry_seconds if isinstance(error, Throttled) else 0.0
    return max(least, min(10.0, 0.25 * 2.0 ** min(tries, 6)) * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
