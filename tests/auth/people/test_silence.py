"""Nothing secret reaches the log, at any level, whoever writes it."""

import io
import json
import logging

import pytest
from visiting.authenticator import Authenticator
from visiting.house import PASSWORD

from hub import log
from schema.vocabulary import Relation


@pytest.fixture
def written():
    """All that is logged, by us and by libraries, at the lowest level."""
    lines = io.StringIO()
    log.configure(strict=True, level="debug", stream=lines)
    handler = logging.StreamHandler(lines)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    quiet = logging.getLogger("httpcore"), logging.getLogger("httpx")
    for each in quiet:
        each.setLevel(logging.CRITICAL)  # the browser's side, not ours
    yield lines
    for each in quiet:
        each.setLevel(logging.NOTSET)
    root.removeHandler(handler)
    root.setLevel(level)
    log.configure(strict=True, level="warning")


def test_no_secret_and_no_person_is_in_the_log(house, written):
    logging.getLogger("anything").debug("the test listens")
    enrolment = house.account("zebedee")
    house.account("kari", Relation.OPERATOR)
    visitor = house.visitor()
    visitor.enrol(enrolment)
    visitor.set_password(PASSWORD)
    visitor.add_passkey()
    codes = visitor.make_codes()
    visitor.finish()
    secrets = [enrolment, enrolment.replace("-", ""), PASSWORD, visitor.seed, *codes, "zebedee", "Zebedee", "127.0.0.1"]
    house.clock.advance(minutes=2)
    one_time = visitor.one_time_code()
    visitor.sign_in("zebedee", PASSWORD, one_time)
    secrets += [one_time, *dict(visitor.cookies()).values()]
    visitor.sign_in("zebedee", "planted wrong password", "918273")
    visitor.sign_in("planted-login", PASSWORD, "918273")
    secrets += ["planted wrong password", "918273", "planted-login"]
    visitor.sign_in_by_passkey()
    secrets += dict(visitor.cookies()).values()
    visitor.key = Authenticator("https://evil.example", credential_id=visitor.key.credential_id, key=visitor.key.key)
    visitor.sign_in_by_passkey()
    recovery = visitor.get("/signin/recovery")
    visitor.submit(recovery, "/signin/recovery", login="zebedee", password=PASSWORD, code=codes[0])
    secrets += dict(visitor.cookies()).values()
    stranger = house.visitor()
    stranger.submit(stranger.get("/enrol"), "/enrol", code="PLANTED-CODE")
    secrets.append("PLANTED-CODE")
    house.people.accounts.suspend("zebedee")
    house.people.accounts.resume("zebedee")
    secrets.append(house.people.accounts.reset("zebedee", by="kari"))
    text = written.getvalue()
    assert "the test listens" in text
    events = {json.loads(line)["event"] for line in text.splitlines() if line.startswith("{")}
    assert {"people.signed_in", "people.sign_in_refused", "people.account_reset", "people.account_created"} <= events
    for secret in secrets:
        assert secret not in text, secret


def test_the_log_tells_who_reset_whom_under_keyed_hashes(house, written):
    house.account("anna")
    house.account("kari", Relation.OPERATOR)
    house.people.accounts.reset("anna", by="kari")
    told = [json.loads(line) for line in written.getvalue().splitlines() if "people.account_reset" in line]
    anna, kari = (house.people.accounts.find(login) for login in ("anna", "kari"))
    assert len(told) == 1
    assert told[0]["account"] != told[0]["by"]
    assert len(told[0]["account"]) == len(told[0]["by"]) == 16
    assert not any(str(each.id)[:8] in written.getvalue() for each in (anna, kari))
