"""What the mutations of cases, consents and referrals do: steps of `hub.referrals`, called with ids read."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from strawberry import UNSET

from connectors.handoff import Read
from connectors.messages import Receipt
from hub.changes.machine import Attested, Done, Service
from hub.consent import Acting, Answered, Changed
from hub.planner import ids
from hub.planner.bind import Veil
from hub.referrals.cases import SAMPLES, WORDS, Content, Profile, profile_columns
from hub.referrals.facts import Facts, whole
from hub.referrals.sending import Draft
from hub.referrals.service import Brought, Referrals
from hub.referrals.sources import Provenance
from schema.access import AccessProfile
from schema.mutations.casework import CaseContentInput, ProfileInput
from schema.tables import PacketCopyRow, ReferralEventRow
from schema.tables.base import table_of
from schema.vocabulary import Category, ContactRule

_EVENT, _PACKET = table_of(ReferralEventRow), table_of(PacketCopyRow)
Step = Callable[[Connection, Acting, Any], Changed]  # Any: the input's own class


def casework(referrals: Referrals, veil: Veil) -> Mapping[str, Service | Attested]:
    """Give a service for each mutation of casework."""

    def case_of(who: Acting, text: str) -> UUID:
        return veil.find(who.profile.audience, "ca", ids.of("ca", text))

    def case(step: Step) -> Service:
        return _service(step, lambda _connection, done: {"case": done.case_id})

    def consented(step: Step) -> Service:
        return _service(step, lambda _connection, done: {"consent": done.consent_id, "referral": done.referral_id})

    def referral(step: Step) -> Service:
        def shown(connection: Connection, done: Changed) -> dict[str, UUID | None]:
            packet = connection.scalar(select(_PACKET.c.id).where(_PACKET.c.referral_id == done.referral_id))
            event = _newest(connection, done.referral_id)
            return {"referral": done.referral_id, "event": event, "consent": done.consent_id, "packet": packet}

        return _service(step, shown)

    def create(c: Connection, who: Acting, i: Any) -> Changed:
        draft = Draft(
            case_id=None if i.case is None else case_of(who, i.case),
            content=None if i.content is None else content_of(i.content),
            recipient_id=ids.of("or", i.recipient),
            purpose=i.purpose,
            urgency=i.urgency,
            services=i.services,
            sender_reference=i.sender_reference,
        )
        return referrals.create(c, who, draft)

    def record(c: Connection, who: Acting, i: Any) -> Changed:
        said = Answered(
            given=i.given,
            channel=i.channel,
            wording_version=i.wording_version,
            language=i.language,
            basis=i.basis,
            until=i.until,
        )
        return referrals.record_consent(c, who, ids.of("cs", i.consent), said)

    def submit(c: Connection, who: Acting, i: Any) -> Changed:
        brought = Brought(
            content=content_of(i.content),
            purpose=i.purpose,
            urgency=i.urgency,
            services=i.services,
            categories=i.consent.categories,
            until=i.consent.until,
            channel=i.consent.channel,
            wording_version=i.consent.wording_version,
            language=i.consent.language,
            basis=i.consent.basis,
            sender_reference=i.sender_reference,
        )
        return referrals.submit(c, who, brought)

    async def receipt(profile: AccessProfile, i: Any) -> Read[Receipt]:
        return await referrals.attested(profile.organisation_id, i.receipt)

    def acknowledge(c: Connection, acting: Acting, i: Any, found: Read[Receipt]) -> Done:
        def step(connection: Connection, who: Acting, given: Any) -> Changed:
            return referrals.acknowledge(
                connection, who, rf(given), receipt=found, digest=given.digest, reference=given.reference
            )

        return referral(step)(c, acting, i)

    rf, r = _referral, referrals
    return {
        "recordFacts": case(lambda c, who, i: r.record_facts(c, who, case_of(who, i.case), facts_of(i.content))),
        "openCase": case(lambda c, who, i: r.open_case(c, who, content_of(i.content))),
        "createReferral": referral(create),
        "requestConsent": consented(
            lambda c, who, i: r.request_consent(c, who, rf(i), categories=i.categories, until=i.until)
        ),
        "recordConsent": consented(record),
        "revokeConsent": consented(lambda c, who, i: r.revoke_consent(c, who, ids.of("cs", i.consent), i.channel)),
        "sendReferral": referral(lambda c, who, i: r.send(c, who, rf(i))),
        "retryDelivery": referral(lambda c, who, i: r.retry_delivery(c, who, rf(i))),
        "submitReferral": referral(submit),
        "acknowledgeReferral": Attested(receipt, acknowledge),
        "takeReferral": referral(lambda c, who, i: r.take(c, who, rf(i))),
        "acceptReferral": referral(lambda c, who, i: r.accept(c, who, rf(i), start_by=i.start_by, note=i.note)),
        "declineReferral": referral(lambda c, who, i: r.decline(c, who, rf(i), reason=i.reason, text=i.text)),
        "startReferral": referral(lambda c, who, i: r.start(c, who, rf(i), note=i.note)),
        "reportOutcome": referral(
            lambda c, who, i: r.report_outcome(c, who, rf(i), reason=i.reason, feedback=i.feedback, text=i.text)
        ),
        "confirmOutcome": referral(lambda c, who, i: r.confirm_outcome(c, who, rf(i))),
        "withdrawReferral": referral(lambda c, who, i: r.withdraw(c, who, rf(i), reason=i.reason, note=i.note)),
    }


def _referral(given: Any) -> UUID:  # Any: the input's own class
    return ids.of("rf", given.referral)


def _service(step: Step, shown: Callable[[Connection, Changed], Mapping[str, UUID | None]]) -> Service:
    def service(connection: Connection, acting: Acting, given: Any, /) -> Done:  # Any: the input's own class
        done = step(connection, acting, given)
        subjects = () if done.person_id is None else (done.person_id,)
        categories = tuple(each for each in Category if each is Category.CASE or each in done.categories)
        return Done(shown=shown(connection, done), subjects=subjects, categories=categories)

    return service


def _newest(connection: Connection, referral_id: UUID | None) -> UUID | None:
    newest = select(_EVENT.c.id).where(_EVENT.c.referral_id == referral_id).order_by(_EVENT.c.number.desc()).limit(1)
    return connection.scalar(newest)


# ---- Content ---------------------------------------------------------------------------------------------------------


def content_of(given: CaseContentInput) -> Content:
    """Read what is known of a person; what was not given is not there."""
    return Content(
        profile=_profile(given.profile),
        identity=_fields(given.identity),
        risk=_fields(given.risk),
        works=[_fields(work) for work in given.works or ()],
        contact=_fields(given.contact),
        location=_fields(given.location),
        health=_fields(given.health),
        family=_fields(given.family),
        assessment=_fields(given.assessment),
        contact_rule=given.contact.rule if given.contact else ContactRule.NEVER,
        provenance=_provenance(given),
    )


def facts_of(given: CaseContentInput) -> Facts:
    """Read what is to be written of a case: what was not given is not there, and a null erases."""
    sealed: dict[Category, dict[str, Any]] = {}
    for category, name in WORDS.items():
        part = getattr(given, name)
        if part is not UNSET:
            sealed[category] = whole(category) if part is None else _patch(part)
    if given.works is not UNSET:
        works = [_fields(work) for work in given.works or ()]
        sealed.setdefault(Category.RISK, {})[SAMPLES] = works or None
    profile: Mapping[str, Any] = {}
    if given.profile is not UNSET:
        blank = dict.fromkeys(profile_columns(Profile()))
        profile = blank if given.profile is None else {n: v for n, v in vars(given.profile).items() if v is not UNSET}
    return Facts(provenance=_provenance(given), profile=profile, sealed=sealed)


def _provenance(given: CaseContentInput) -> Provenance | None:
    said = given.provenance
    return Provenance(source=said.source, as_of=said.as_of, confidence=said.confidence) if said else None


def _patch(given: object) -> dict[str, Any]:
    return {name: None if value is None else _plain(value) for name, value in vars(given).items() if value is not UNSET}


def _profile(given: ProfileInput | None) -> Profile:
    return Profile(**_values(given)) if given else Profile()


def _values(given: object) -> dict[str, Any]:
    return {name: value for name, value in vars(given).items() if value is not None and value is not UNSET}


def _fields(given: object) -> dict[str, Any]:
    """Give an input as JSON holds it: codes of vocabularies, no nulls."""
    return {} if given is None or given is UNSET else {name: _plain(value) for name, value in _values(given).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return _fields(value) if hasattr(value, "__strawberry_definition__") and not isinstance(value, str) else value
