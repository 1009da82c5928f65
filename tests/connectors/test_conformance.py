"""One suite over every network: what it must do to be a partner. A new network adds one line to `CASES`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import handoff as wire
from connectors.content import bounded
from connectors.errors import Invalid, Refused, Unauthorized, Unavailable, Uncertain, Unsupported
from connectors.forms import OWN, as_own
from connectors.messages import Answer, Form, Packet
from connectors.protocol import Capability, Partner
from connectors.registry import NETWORKS, network
from connectors.signed import Reach
from connectors.signing import new_keys, unchecked
from connectors.words import CLOSING_REASONS, DECLINE_REASONS, FIELDS
from tests.sandbox.counterpart import CONTENT, counterpart
from tests.sandbox.sandbox_process import Sandbox

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """What is peculiar to a network: one value of its words, and what it means."""

    name: str
    category: str
    field: str
    ours: object
    theirs: object
    theirs_field: str


CASES = [
    Case("icorn", "case", "support", ["residency"], {"support": ["residency"]}, "case"),
    Case("pen_international", "case", "urgency", "emergency", "rapid action", "priority"),
    Case(
        "scholars_at_risk", "case", "support", ["placement"], ["temporary academic position"], "eligibility_assistance"
    ),
]


def test_a_network_nobody_knows_is_unsupported():
    with pytest.raises(Unsupported):
        network("nowhere")


def test_every_network_is_tried_here():
    assert [case.name for case in CASES] == sorted(NETWORKS)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


def partner_of(name, **reach):
    base = {"issuer": "https://partner.example", "base": "https://partner.example/handoff"}
    found = network(name)
    settings = found.settings(reach=Reach(**(base | {"jwks_uri": "https://partner.example/jwks"} | reach)))
    return found.partner(settings, new_keys("https://hub.example"), now=lambda: NOW)


# ---- Words


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
WORDS = {
    "disciplines": ["novel", "academic", "dance", "blogging"],
    "support": ["residency", "placement", "assessment", "rest"],
    "urgency": ["emergency", "urgent", "normal"],
    "level": ["low", "extreme", "other"],
    "rule": ["direct", "never"],
    "opinion": ["supported", "inconclusive"],
}


def field_values(name):
    if name == "incidents":
        acts = st.fixed_dictionaries(
            {"act": st.sampled_from(["arrest", "passport_refused", "death_threat"]), "account": texts}
        )
        return st.lists(acts, max_size=4) | values
    if name in WORDS:
        word = st.sampled_from(WORDS[name])
        return word | st.lists(word, max_size=4) | values
    return values


contents = st.fixed_dictionaries(
    {},
    optional={
        category: st.fixed_dictionaries({}, optional={name: field_values(name) for name in (*names, "unheard_of")})
        for category, names in FIELDS.items()
    },
)


def flat(value):
    """Give the values of a field one by one, so that a list may be split."""
    return [msgspec.json.encode(each) for each in value] if isinstance(value, list) else [msgspec.json.encode(value)]


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=40)
@given(content=contents)
@example(content={"case": {"disciplines": [[None, []], "dance"]}})
def test_nothing_is_dropped_on_the_way_there_and_back(name, content):
    partner = partner_of(name)
    form = partner.encode(content)
    sent = msgspec.json.decode(msgspec.json.encode(form), type=Form)
    decoded = partner.decode(sent)
    for category, fields in content.items():
        for field, value in fields.items():
            back = []
            if field in decoded.content.get(category, {}):
                back += flat(decoded.content[category][field])
            back += [
                each
                for left in decoded.unmapped
                if left.field == f"{category}.{field}" and left.category == category
                for each in flat(left.value)
            ]
            assert sorted(back) == sorted(flat(value)), (category, field)


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=40)
@given(content=contents)
def test_nothing_comes_to_be_that_was_not_there(name, content):
    partner = partner_of(name)
    decoded = partner.decode(partner.encode(content))
    for category, fields in decoded.content.items():
        assert fields.keys() <= content[category].keys()
        assert fields.keys() <= set(FIELDS[category])


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=40)
@given(fields=st.dictionaries(texts.map("zz_{}".format), values, max_size=5))
def test_fields_nobody_knows_are_shown_whole(name, fields):
    partner = partner_of(name)
    decoded = partner.decode(Form(name=partner.form, fields=fields))
    assert not decoded.content
    assert {each.field: each.value for each in decoded.unmapped} == fields


def test_a_word_of_the_network_means_what_it_means(case):
    partner = partner_of(case.name)
    form = partner.encode({case.category: {case.field: case.ours}})
    assert form.name == partner.form
    assert form.fields[case.theirs_field] == case.theirs
    assert not form.unmapped
    assert partner.decode(form).content == {case.category: {case.field: case.ours}}


def test_the_hubs_own_form_is_always_understood(case):
    partner = partner_of(case.name)
    decoded = partner.decode(as_own(CONTENT))
    assert decoded.content == CONTENT
    assert not decoded.unmapped


def test_another_form_is_refused(case):
    partner = partner_of(case.name)
    with pytest.raises(Invalid):
        partner.decode(Form(name="somebody_else/1", fields={}))
    assert OWN == "icorn/1"


ANSWER = {
    "iss": "https://partner.example",
    "aud": "https://hub.example",
    "jti": str(uuid4()),
    "iat": 1,
    "exp": 2,
    "handoff": str(uuid4()),
    "number": 1,
    "seen": 0,
    "at": 1,
}


def answer(**more):
    return msgspec.convert(ANSWER | more, Answer)


def test_reasons_come_in_the_hubs_words(case):
    partner = partner_of(case.name)
    for theirs, ours in {**partner.decline_reasons, **{each: each for each in DECLINE_REASONS}}.items():
        told = answer(event="decline", state="declined", reason=theirs)
        decoded = partner.decode_answer(told)
        assert (decoded.reason, decoded.unmapped) == (ours, ())
    for theirs, ours in {**partner.closing_reasons, **{each: each for each in CLOSING_REASONS}}.items():
        told = answer(event="report_outcome", state="outcome_reported", reason=theirs)
        assert partner.decode_answer(told).reason == ours


def test_a_reason_without_a_word_is_shown(case):
    partner = partner_of(case.name)
    services = [{"kind": "rest", "given": False, "reason": "full moon"}, {"kind": "training", "given": True}]
    decoded = partner.decode_answer(answer(event="decline", state="declined", reason="full moon", services=services))
    assert decoded.reason == "other"
    assert [each.reason for each in decoded.services] == ["other", None]
    assert [(each.field, each.value) for each in decoded.unmapped] == [
        ("reason", "full moon"),
        ("services.rest.reason", "full moon"),
    ]
    closed = partner.decode_answer(answer(event="report_outcome", state="outcome_reported", reason="full moon"))
    assert closed.reason == "no_outcome"
    paused = answer(event="pause", state="on_hold", reason="holidays")
    assert partner.decode_answer(paused).reason == "holidays"


def test_content_is_bounded():
    for bad in ([1.5], {"a": float("nan")}, "x" * 20_001, [0] * 201, "\x00", 2**53, {str(n): n for n in range(201)}):
        with pytest.raises(Invalid):
            bounded(bad)


# ---- Calls


def test_it_has_all_that_a_partner_has(case):
    partner = partner_of(case.name)
    assert partner.network == case.name
    assert partner.capabilities <= frozenset(Capability)
    for name in ("network", "form", "capabilities", *(name for name in vars(Partner) if not name.startswith("_"))):
        assert hasattr(partner, name), name


async def test_what_is_not_declared_is_unsupported_and_not_tried(case):
    partner = partner_of(case.name, capabilities=frozenset())
    packet = made(partner)
    for call in (
        lambda: partner.send(packet),
        lambda: partner.status(uuid4()),
        lambda: partner.withdraw(packet),
        lambda: partner.tell(packet),
        lambda: partner.fetch(uuid4()),
        partner.openings,
        partner.inbox,
    ):
        with pytest.raises(Unsupported):
            await call()


def made(partner, aud=None, content=None):
    token = wire.make_packet(
        partner._me,  # noqa: SLF001  # the hub's own side
        aud or partner.settings.reach.issuer,
        handoff=uuid4(),
        version=1,
        envelope=msgspec.convert({"purpose": "assessment", "urgency": "normal", "services": ["assessment"]}, ENVELOPE),
        terms=msgspec.convert({"categories": ["case"], "until": "2027-01-01", "basis": "art9_2_a"}, TERMS),
        form=partner.encode(content or CONTENT),
        now=partner._now(),  # noqa: SLF001  # its clock
        until=datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert Packet.typ in wire.open_letter(token, partner._me).typ  # noqa: SLF001  # as above
    return token


ENVELOPE = Packet.__annotations__["envelope"]
TERMS = Packet.__annotations__["terms"]


async def test_what_is_for_another_partner_is_not_sent(case):
    partner = partner_of(case.name)
    with pytest.raises(Refused):
        await partner.send(made(partner, aud="https://other.example"))


async def test_a_partner_that_is_not_there_is_unavailable(case):
    partner = partner_of(
        case.name,
        issuer="http://127.0.0.1:9",
        base="http://127.0.0.1:9",
        jwks_uri="http://127.0.0.1:9/jwks",
        loopback=True,
    )
    with pytest.raises(Unavailable):
        await partner.send(made(partner))
    with pytest.raises(Unavailable):
        await partner.health()


async def test_it_speaks_with_a_partner(case, tmp_path):
    async with counterpart() as hub:
        behaviour = {"take_seconds": -1}
        sandbox = Sandbox(tmp_path / "books", case.name, hub, behaviour=behaviour, fetch_timeout_seconds=30)
        await sandbox.start()
        try:
            hub.speak_with(case.name, sandbox.port, timeout_seconds=40)
            partner = hub.partner
            assert (await partner.health()).accepts
            packet = hub.new_packet()
            handoff = wire.Read(None, packet)
            receipt = await partner.send(packet)
            assert receipt.message.digest == handoff.digest
            again = await partner.send(packet)
            assert again.message.digest == handoff.digest
            of = receipt.message.handoff
            status = await partner.status(of)
            assert status.message.state == "received"
            assert (await partner.held(status, packet)).message.digest == handoff.digest
            assert await partner.held(status, hub.new_packet()) is None
            assert (await partner.openings()).message.openings
            assert (await partner.inbox()).messages == ()
            with pytest.raises(Refused):
                await partner.fetch(uuid4())
            await sandbox.control("fail_next", kind="forged", where="/inbox")
            with pytest.raises(Uncertain):
                await partner.send(packet)
            await sandbox.control("fail_next", kind="forged", where="/referrals")
            with pytest.raises(Unauthorized):
                await partner.status(of)
            stop = wire.make_withdrawal(
                hub.me, sandbox.url, handoff=of, number=1, at=NOW, cause="withdrawn", now=datetime.now(UTC)
            )
            assert (await partner.withdraw(stop)).message.answer == "deleted"
            stranger = new_keys("https://stranger.example")
            with pytest.raises(Unauthorized):
                await partner.verify_push(wire.make_notice(reissued(packet, stranger), stranger, now=datetime.now(UTC)))
            await partner.aclose()
        finally:
            sandbox.stop()


def reissued(packet, me):
    """Sign the same by somebody else."""
    said = msgspec.convert(unchecked(packet), Packet)
    more = {name: getattr(said, name) for name in ("handoff", "version", "envelope", "terms", "form")}
    now = datetime.now(UTC)
    return wire.make_packet(me, said.aud, now=now, until=datetime(2027, 6, 1, tzinfo=UTC), **more)
