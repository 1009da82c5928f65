"""Signing and sealing: what holds, and all that must not."""

import base64
import hmac
import json
import traceback
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid1, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OKPKey

from connectors import handoff as wire
from connectors.errors import Invalid, Refused, Unauthorized
from connectors.messages import Answer, Envelope, Form, Notice, Packet, Terms, Unmapped, Withdrawal
from connectors.signing import (
    STEPS,
    Me,
    me_from,
    new_keys,
    padded,
    peer_from,
    private_jwks,
    public_jwks,
    seal,
    sign,
    unchecked,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HUB, PEN = new_keys("https://hub.example"), new_keys("https://pen.example")
EC = me_from(
    "https://ec.example",
    {
        "keys": [
            ECKey.generate_key("P-256").as_dict(private=True) | {"kid": "s"},
            ECKey.generate_key("P-256").as_dict(private=True) | {"kid": "e", "use": "enc"},
        ]
    },
)


def peer(me):
    return peer_from(me.issuer, public_jwks(me))


def packet(me=HUB, aud=PEN.issuer, *, now=NOW, until=timedelta(days=30), fields=None, **more):
    base = {
        "handoff": uuid4(),
        "version": 1,
        "envelope": Envelope(purpose="assessment", urgency="normal", services=("assessment",)),
        "terms": Terms(categories=("case",), until=date(2027, 1, 1), basis="art9_2_a"),
        "form": Form(name="icorn/1", fields=fields or {"case": {"languages": ["ar"]}}),
    }
    return wire.make_packet(me, aud, now=now, until=now + until, **(base | more))


def opened(text, *, me=PEN, of=HUB, now=NOW, **more):
    return wire.open_packet(wire.open_letter(text, me), peer(of), me, now=now, **more)


@pytest.mark.parametrize(("sender", "recipient"), [(HUB, PEN), (EC, PEN), (HUB, EC)])
def test_a_packet_arrives_as_it_was_signed(sender, recipient):
    token = packet(sender, recipient.issuer)
    read = opened(seal(token, peer(recipient)), me=recipient, of=sender)
    assert read.jws == token
    assert read.message.form.fields == {"case": {"languages": ["ar"]}}
    assert jws.extract_compact(token.encode()).headers()["alg"] == ("ES256" if sender is EC else "Ed25519")


def test_the_largest_packet_fits_and_a_larger_one_is_refused():
    fields = {f"f{number}": "x" * 19_000 for number in range(6)}
    token = packet(fields=fields)
    sealed = seal(token, peer(PEN))
    assert opened(sealed).message.form.fields == fields
    assert len(sealed) < 256 * 1024
    with pytest.raises(Invalid):
        packet(fields=fields | {"more": "x" * 19_000})


def test_a_packet_must_be_sealed_unless_it_was_fetched():
    with pytest.raises(Invalid):
        opened(packet())
    assert opened(packet(), fetched=True)


def test_sizes_fall_in_few_steps():
    sizes = Counter(len(seal(packet(fields={"t": "x" * (17 * number)}), peer(PEN))) for number in range(0, 1000, 5))
    assert len(sizes) <= len(STEPS)
    answers = {
        len(wire.make_answer(PEN, HUB.issuer, now=NOW, **(ANSWER | {"event": event, "text": text})))
        for event, text in [("take", None), ("accept", "yes"), ("decline", "no " * 100)]
    }
    assert len(answers) == 1


@given(st.integers(0, STEPS[-1] - 40))
def test_padding_fills_a_step_exactly(length):
    assert len(padded({"x": "y" * length})) in STEPS


ANSWER = {"handoff": uuid4(), "number": 1, "seen": 0, "event": "take", "state": "in_review", "at": 1_790_000_000}


def claims_of(token):
    return unchecked(token)


def resigned(token, me=HUB, *, key=None, header=None, **claims):
    """Bend claims or header, and sign again."""
    head = {"alg": "Ed25519", "kid": me.kid, "typ": "icorn-referral+jwt"} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    said = claims_of(token) | claims
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(said).encode())}"
    signature = jws.JWSRegistry.algorithms["Ed25519"].sign(text.encode(), key or me.key)
    return f"{text}.{b64(signature)}"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_bending_keeps_what_is_straight():
    assert opened(seal(resigned(packet()), peer(PEN)))


STAMP = int(NOW.timestamp())


@pytest.mark.parametrize(
    "bent",
    [
        {"aud": "https://other.example"},
        {"iss": "https://other.example"},
        {"iat": STAMP + 61, "exp": STAMP + 600},
        {"iat": STAMP - 4000, "exp": STAMP - 3400},
        {"exp": STAMP},
        {"exp": STAMP - 1},
        {"exp": STAMP + 401 * 86_400},
        {"iat": "now"},
        {"jti": "one"},
        {"handoff": str(uuid1())},
        {"version": 0},
        {"version": True},
        {"extra": 1},
        {"envelope": {"purpose": "espionage", "urgency": "normal", "services": ["assessment"]}},
        {"envelope": {"purpose": "assessment", "urgency": "normal", "services": []}},
        {"terms": {"categories": ["network"], "until": "2027-01-01", "basis": "x"}},
        {"form": {"name": "icorn/1", "fields": {"a": 1.5}}},
        {"form": {"name": "icorn/1", "fields": {"a": [[[[[[["deep"]]]]]]]}}},
        {"form": {"name": "icorn/1", "fields": {"a": "x\x00y"}}},
        {"form": {"name": "icorn/1", "fields": {"a": 2**60}}},
        {"header": {"typ": "icorn-receipt+jwt"}},
        {"header": {"typ": None}},
        {"header": {"kid": "other"}},
        {"header": {"kid": None}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "EdDSA"}},
        {"header": {"alg": "HS256"}},
        {"header": {"jwk": PEN.key.as_dict(private=False)}},
        {"header": {"jku": "https://evil.example/keys"}},
        {"header": {"crit": ["b64"], "b64": False}},
        {"key": OKPKey.generate_key("Ed25519")},
        {"key": PEN.key},
    ],
    ids=" ".join,
)
def test_a_bent_packet_is_refused(bent):
    with pytest.raises((Invalid, Unauthorized)):
        opened(seal(resigned(packet(), **bent), peer(PEN)))


def test_a_public_key_is_no_secret():
    header = {"alg": "HS256", "kid": HUB.kid, "typ": Packet.typ}
    text = f"{b64(json.dumps(header).encode())}.{packet().split('.')[1]}"
    token = f"{text}.{b64(hmac.digest(HUB.key.as_pem(private=False), text.encode(), 'sha256'))}"
    with pytest.raises(Unauthorized):
        opened(seal(token, peer(PEN)))


def test_every_flipped_character_is_noticed():
    token = packet()
    head, body, signature = token.split(".")
    for part, text in enumerate((head, body[:200], signature[:-2])):
        for place in range(0, len(text), 7):
            parts = [head, body, signature]
            parts[part] = parts[part][:place] + ("A" if text[place] != "A" else "B") + parts[part][place + 1 :]
            with pytest.raises((Invalid, Unauthorized)):
                opened(seal(".".join(parts), peer(PEN)))


def test_what_is_sealed_to_another_does_not_open():
    sealed = seal(packet(), peer(PEN))
    with pytest.raises(Unauthorized):
        wire.open_letter(sealed, HUB)
    stranger = Me(HUB.issuer, HUB.kid, HUB.key, dict.fromkeys(PEN.unsealing, next(iter(HUB.unsealing.values()))))
    with pytest.raises(Unauthorized):
        wire.open_letter(sealed, stranger)


@pytest.mark.parametrize(
    "header", [{"enc": "A128CBC-HS256"}, {"alg": "ECDH-ES"}, {"zip": "DEF"}, {"typ": "x"}, {"apu": "eHg"}], ids=str
)
def test_a_seal_of_another_kind_is_refused(header):
    kid, key = peer(PEN).sealing
    head = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": kid, "cty": "JWT"} | header
    text = jwe.encrypt_compact(head, packet(), key, algorithms=[head["alg"], head["enc"], "DEF"])
    with pytest.raises(Invalid):
        wire.open_letter(text, PEN)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "....", "a.b.c", "a.b.c.d.e", "é" * 10, "x" * 300_000, "\x00.\x00.\x00"]
)
def test_rubbish_is_invalid(text):
    with pytest.raises(Invalid):
        wire.open_letter(text, PEN)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text):
    with pytest.raises((Invalid, Unauthorized)):
        wire.open_letter(text, PEN)


def test_a_name_that_comes_twice_is_refused():
    token = packet()
    body = json.dumps(claims_of(token))[:-1] + ',"aud":"https://pen.example"}'
    text = f"{token.split('.')[0]}.{b64(body.encode())}"
    signed = f"{text}.{b64(jws.JWSRegistry.algorithms['Ed25519'].sign(text.encode(), HUB.key))}"
    with pytest.raises(Invalid):
        wire.open_letter(signed, PEN)


def test_a_peer_without_a_key_to_seal_to_is_sent_nothing():
    bare = {"keys": [key for key in public_jwks(PEN)["keys"] if key["use"] == "sig"]}
    with pytest.raises(Unauthorized):
        seal(packet(), peer_from(PEN.issuer, bare))


def test_keys_are_published_without_their_secrets_and_read_back_with_them():
    assert all("d" not in key for key in public_jwks(PEN)["keys"])
    again = me_from(PEN.issuer, private_jwks(PEN))
    assert public_jwks(again) == public_jwks(PEN)
    assert "PRIVATE" not in repr(PEN)
    assert PEN.key.as_dict(private=True)["d"] not in repr(PEN)


@pytest.mark.parametrize(
    "keys",
    [
        "all",
        [1],
        [{}] * 21,
        [private_jwks(PEN)["keys"][0]],
        [public_jwks(PEN)["keys"][0]] * 2,
        [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AA"}],
        [{"kty": "EC", "crv": "Ed25519", "kid": "a", "x": "AA"}],
        [{"kty": "oct", "kid": "a", "k": "AA"}],
    ],
    ids=lambda keys: type(keys).__name__,
)
def test_what_is_no_key_set_is_refused(keys):
    with pytest.raises(Invalid):
        peer_from(PEN.issuer, {"keys": keys})


def test_keys_of_other_kinds_are_passed_over():
    other = {"kty": "EC", "crv": "P-521", "kid": "x", "x": "AA", "y": "AA"}
    rsa = {"kty": "RSA", "kid": "r", "n": "AA", "e": "AQAB"}
    assert peer_from(PEN.issuer, {"keys": [other, rsa]}).keys == {}


def test_an_older_key_still_opens_what_is_under_way():
    sealed = seal(packet(), peer(PEN))
    new = new_keys(PEN.issuer)
    turned = Me(PEN.issuer, new.kid, new.key, {**new.unsealing, **PEN.unsealing})
    assert opened(sealed, me=turned)
    assert peer(turned).sealing[0] == next(iter(new.unsealing))


# ---- Messages about a handoff


def read(token, *, me, of, now=NOW):
    return wire.read_message(wire.open_letter(token, me), peer(of), me, now=now)


def test_a_notice_says_nothing_about_anybody():
    token = packet(fields={"case": {"summary": "planted-secret"}}, reference="planted-file")
    notice = read(wire.make_notice(token, HUB, now=NOW), me=PEN, of=HUB).message
    assert set(msgspec.to_builtins(notice)) == {
        "iss",
        "aud",
        "jti",
        "iat",
        "exp",
        "handoff",
        "version",
        "digest",
        "pad",
    }
    assert "planted" not in json.dumps(msgspec.to_builtins(notice))


def test_a_receipt_is_for_one_packet():
    token = packet()
    receipt = wire.sign_receipt(opened(token, fetched=True), PEN, now=NOW)
    letter = wire.open_letter(receipt, HUB)
    assert wire.verify_receipt(letter, peer(PEN), HUB, packet=token, now=NOW).jws == receipt
    for other in (packet(), packet(handoff=UUID(claims_of(token)["handoff"]))):
        with pytest.raises(Unauthorized):
            wire.verify_receipt(letter, peer(PEN), HUB, packet=other, now=NOW)
    with pytest.raises(Unauthorized):
        wire.verify_receipt(letter, peer(PEN), HUB, packet=token, now=NOW + timedelta(seconds=4000))
    forged = wire.sign_receipt(opened(token, fetched=True), Me(PEN.issuer, PEN.kid, HUB.key, {}), now=NOW)
    with pytest.raises(Unauthorized):
        wire.verify_receipt(wire.open_letter(forged, HUB), peer(PEN), HUB, packet=token, now=NOW)


def test_a_pattern_ends_where_the_text_ends():
    claims = claims_of(wire.sign_receipt(opened(packet(), fetched=True), PEN, now=NOW))
    for name in ("digest", "iss", "aud"):
        token = sign("icorn-receipt+jwt", claims | {name: claims[name] + "\n"}, PEN)
        with pytest.raises((Invalid, Unauthorized)):
            wire.read_message(wire.open_letter(token, HUB), peer(PEN), HUB, now=NOW)


def test_a_file_number_is_no_name():
    held = opened(packet(), fetched=True)
    for good in ("PEN-4711", "2026/0017", "a.b:c_1", "7" * 64):
        receipt = wire.sign_receipt(held, PEN, now=NOW, reference=good)
        assert wire.read_message(wire.open_letter(receipt, HUB), peer(PEN), HUB, now=NOW).message.reference == good
    for bad in ("Nasrin", "Nasrin 7", "Nasrín7", "7" * 65, "", "7\n"):
        with pytest.raises(Invalid):
            wire.sign_receipt(held, PEN, now=NOW, reference=bad)
        claims = claims_of(wire.sign_receipt(held, PEN, now=NOW)) | {"reference": bad}
        with pytest.raises(Invalid):
            wire.read_message(wire.open_letter(sign("icorn-receipt+jwt", claims, PEN), HUB), peer(PEN), HUB, now=NOW)


def test_a_receipt_out_of_a_status_is_evidence_after_its_time():
    token = packet()
    receipt = wire.sign_receipt(opened(token, fetched=True), PEN, now=NOW)
    later = NOW + timedelta(days=3)
    handoff = UUID(claims_of(token)["handoff"])
    status = wire.sign_status(PEN, HUB.issuer, now=later, handoff=handoff, known=True, receipt=receipt)
    said = wire.verify_status(wire.open_letter(status, HUB), peer(PEN), HUB, handoff=handoff, now=later).message
    assert wire.held_receipt(said, peer(PEN), HUB, packet=token).jws == receipt
    with pytest.raises(Unauthorized):
        wire.held_receipt(said, peer(PEN), HUB, packet=packet())
    with pytest.raises(Unauthorized):
        wire.verify_status(wire.open_letter(status, HUB), peer(PEN), HUB, handoff=uuid4(), now=later)


def test_a_certificate_answers_one_stop_notice():
    def stop(number):
        return wire.make_withdrawal(
            HUB, PEN.issuer, handoff=ANSWER["handoff"], number=number, at=NOW, cause="consent_revoked", now=NOW
        )

    certificate = wire.sign_certificate(read(stop(3), me=PEN, of=HUB), PEN, answer="deleted", at=NOW, now=NOW)
    letter = wire.open_letter(certificate, HUB)
    assert wire.verify_certificate(letter, peer(PEN), HUB, stop=stop(3), now=NOW).message.answer == "deleted"
    with pytest.raises(Unauthorized):
        wire.verify_certificate(letter, peer(PEN), HUB, stop=stop(4), now=NOW)


def test_a_request_is_for_one_address_and_one_verb():
    token = wire.sign_request(HUB, PEN.issuer, method="GET", url="https://pen.example/outbox", now=NOW)
    letter = wire.open_letter(token, PEN)
    good = {"method": "GET", "url": "https://pen.example/outbox"}
    assert wire.verify_request(letter, peer(HUB), PEN, now=NOW, **good)
    for bad in ({"method": "POST"}, {"url": "https://pen.example/outbox?after=1"}):
        with pytest.raises(Unauthorized):
            wire.verify_request(letter, peer(HUB), PEN, now=NOW, **(good | bad))
    with pytest.raises(Unauthorized):
        wire.verify_request(letter, peer(HUB), PEN, now=NOW + timedelta(seconds=200), **good)
    with pytest.raises(Invalid):
        wire.read_message(letter, peer(HUB), PEN, now=NOW)


def answer(**more):
    token = wire.make_answer(PEN, HUB.issuer, now=NOW + timedelta(seconds=more.pop("later", 0)), **(ANSWER | more))
    return msgspec.convert(claims_of(token), Answer)


def test_the_same_signed_anew_is_the_same():
    assert answer().jti != answer(later=9).jti
    assert wire.substance(answer()) == wire.substance(answer(later=9))
    assert wire.already(wire.substance(answer()), wire.substance(answer(later=9)))
    assert not wire.already(None, wire.substance(answer()))
    with pytest.raises(Refused) as refused:
        wire.already(wire.substance(answer()), wire.substance(answer(event="accept", state="accepted")))
    assert refused.value.facts["problem"] == "reused"


def test_an_answer_must_be_sealed_and_sound():
    token = wire.make_answer(PEN, HUB.issuer, now=NOW, **ANSWER)
    with pytest.raises(Invalid):
        read(token, me=HUB, of=PEN)
    assert read(seal(token, peer(HUB)), me=HUB, of=PEN).message.event == "take"
    for bad in ({"event": "create"}, {"number": 0}, {"state": "lost"}, {"text": ""}, {"at": -1}):
        with pytest.raises(Invalid):
            wire.make_answer(PEN, HUB.issuer, now=NOW, **(ANSWER | bad))


def test_what_is_wrong_is_told_by_place_never_by_value():
    planted = "planted-name"
    for bent in (
        {"envelope": {"purpose": planted, "urgency": "normal", "services": ["assessment"]}},
        {planted: 1},
        {"reference": [planted]},
        {"terms": {"categories": [planted], "until": planted, "basis": "x"}},
    ):
        with pytest.raises(Invalid) as invalid:
            opened(seal(resigned(packet(), **bent), peer(PEN)))
        assert planted not in "".join(traceback.format_exception(invalid.value))
        assert invalid.value.facts["where"].startswith("$")


def test_what_is_too_far_ahead_does_not_wait():
    wire.within_reach(3, answer(number=103))
    with pytest.raises(Refused):
        wire.within_reach(3, answer(number=104))


@given(st.permutations(range(1, 8)), st.lists(st.integers(1, 7), max_size=5))
def test_any_order_ends_in_the_same(order, copies):
    messages = {number: answer(number=number) for number in range(1, 8)}
    seen, taken, waiting = 0, [], []
    for number in [*order, *copies]:
        waiting.append(messages[number])
        for each in wire.in_order(seen, waiting):
            taken.append(each.number)
            seen = each.number
    assert taken == list(range(1, 8))


def test_a_stop_notice_waits_for_nothing():
    token = wire.make_withdrawal(
        PEN, HUB.issuer, handoff=ANSWER["handoff"], number=5, at=NOW, cause="withdrawn", now=NOW
    )
    stop = msgspec.convert(claims_of(token), Withdrawal)
    assert wire.in_order(0, [answer(number=2), stop]) == (stop,)
    assert [each.number for each in wire.in_order(0, [stop, answer(number=1)])] == [1, 5]


def test_messages_are_frozen():
    with pytest.raises(AttributeError):
        answer().number = 2
    assert Notice.typ != Packet.typ
    with pytest.raises(Invalid):
        sign("x", {"x": "y" * 200_000}, HUB)
    assert Unmapped(field="a", value=[1]).value == [1]
