"""What may be signed, sealed and opened, and by which keys: all else is broken, and says no more."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from connectors import jose
from connectors.jose import Broken

SIGNING = (OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256"))
SEALING = (OKPKey.generate_key("X25519"), ECKey.generate_key("P-256"))
TOKEN = "aa.bb.cc"  # no secret


def named(key) -> str:
    return str(key.as_dict(private=False)["crv"])


def public(key):
    return type(key).import_key(key.as_dict(private=False))


# ---- Signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", SIGNING, ids=named)
def test_a_signature_of_another_key_kind_or_text_does_not_hold(key):
    alg = jose.algorithm(key)
    token = jose.signed({"alg": alg}, b"{}", key)
    said, _, signature = token.rpartition(".")
    jose.check(token, alg, public(key))
    other = next(each for each in SIGNING if each is not key)
    bad = [
        (token, alg, public(type(key).generate_key(named(key)))),
        (token, alg, public(other)),
        (token, jose.algorithm(other), public(key)),
        (token, "none", public(key)),
        (f"{said}x.{signature}", alg, public(key)),
        (f"{said}.", alg, public(key)),
        (f"{said}.{jose.encoded(bytes(64))}", alg, public(key)),
        (f"{said}.{signature[:-4]}", alg, public(key)),
        (f"{said}.{signature}=", alg, public(key)),
    ]
    for text, called, by in bad:
        with pytest.raises(Broken):
            jose.check(text, called, by)


def test_a_key_to_seal_to_signs_nothing_and_the_other_way_round():
    with pytest.raises((JoseError, ValueError, AttributeError)):
        jose.signed({"alg": "Ed25519"}, b"", SEALING[0])
    with pytest.raises((JoseError, ValueError, AttributeError)):
        jose.sealed(TOKEN, "1", SIGNING[0])
    with pytest.raises(Broken):
        jose.check(jose.signed({"alg": "Ed25519"}, b"", SIGNING[0]), "Ed25519", SEALING[0])


# ---- Seals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", SEALING, ids=named)
def test_nothing_of_a_seal_is_used_twice(key):
    one, two = (jose.sealed(TOKEN, "1", public(key)).split(".") for _ in range(2))
    assert all(a != b for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("key", SEALING, ids=named)
def test_a_seal_that_was_changed_anywhere_does_not_open(key):
    parts = jose.sealed(TOKEN, "1", public(key)).split(".")
    for place in range(1, 5):
        data = bytearray(jose.decoded(parts[place]))
        for changed in (data[:-1], bytes([data[0] ^ 1]) + data[1:], b"", data + b"\0"):
            text = ".".join([*parts[:place], jose.encoded(bytes(changed)), *parts[place + 1 :]])
            with pytest.raises(Broken):
                jose.opened(text, key)
    header = json.loads(jose.decoded(parts[0]))
    other = jose.encoded(json.dumps(header | {"kid": "2"}).encode())
    with pytest.raises(Broken):
        jose.opened(".".join([other, *parts[1:]]), key)


@pytest.mark.parametrize("key", SEALING, ids=named)
def test_a_seal_opens_for_its_own_key_alone(key):
    text = jose.sealed(TOKEN, "1", public(key))
    assert jose.opened(text, key) == TOKEN.encode()
    for other in (type(key).generate_key(named(key)), *(each for each in SEALING if each is not key)):
        with pytest.raises(Broken):
            jose.opened(text, other)


@pytest.mark.parametrize(
    "epk",
    [
        None,
        "x",
        {},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "OKP", "crv": "X25519", "x": 1},
        {"kty": "OKP", "crv": "X25519", "x": jose.encoded(bytes(31))},
        # The point at nothing: whatever our key, both would agree on zero.
        {"kty": "OKP", "crv": "X25519", "x": jose.encoded(bytes(32))},
        {"kty": "OKP", "crv": "Ed25519", "x": jose.encoded(b"\1" * 32)},
        {"kty": "EC", "crv": "P-256", "x": jose.encoded(b"\1" * 32)},
        {"kty": "EC", "crv": "P-256", "x": jose.encoded(b"\1" * 31), "y": jose.encoded(b"\1" * 32)},
        # Not on the curve: an answer would tell of our key.
        {"kty": "EC", "crv": "P-256", "x": jose.encoded(b"\1" * 32), "y": jose.encoded(b"\1" * 32)},
        {"kty": "EC", "crv": "P-256", "x": jose.encoded(bytes(32)), "y": jose.encoded(bytes(32))},
    ],
)
@pytest.mark.parametrize("key", SEALING, ids=named)
def test_a_fresh_key_that_is_none_opens_nothing(key, epk):
    head, *rest = jose.sealed(TOKEN, "1", public(key)).split(".")
    header = json.loads(jose.decoded(head)) | {"epk": epk}
    with pytest.raises(Broken):
        jose.opened(".".join([jose.encoded(json.dumps(header).encode()), *rest]), key)


# ---- Text -----------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=100))
def test_bytes_are_written_in_one_way_and_read_back(data):
    written = jose.encoded(data)
    assert written == urlsafe_b64encode(data).rstrip(b"=").decode()
    assert jose.decoded(written) == data


@pytest.mark.parametrize("text", ["YQ==", "YR", "Y", "Y Q", "YQ\n", "+A", "/w", "é", "A*AA"])
def test_what_is_written_in_another_way_is_not_read(text):
    with pytest.raises(Broken):
        jose.decoded(text)
