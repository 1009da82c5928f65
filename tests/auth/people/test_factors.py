"""Enrolment codes, recovery codes, and what somebody signed in may change."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from visiting.authenticator import Authenticator
from visiting.house import PASSWORD

from hub.auth.people import codes
from hub.auth.people.errors import AccountRefused
from schema.vocabulary import Relation


def test_an_enrolment_code_counts_once(house):
    code = house.account()
    house.visitor().enrol(code)
    again = house.visitor()
    page = again.submit(again.get("/enrol"), "/enrol", code=code)
    assert (page.status, "not valid" in page.alert) == (400, True)


def test_an_enrolment_code_lives_three_days(house):
    code = house.account()
    house.clock.advance(hours=72)
    visitor = house.visitor()
    assert visitor.submit(visitor.get("/enrol"), "/enrol", code=code).status == 400


def test_an_enrolment_code_is_read_as_people_type_it(house):
    code = house.account()
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}", code)
    house.visitor().enrol(f"  {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')} ")


def test_of_many_with_one_enrolment_code_one_gets_in(house):
    code = house.account()
    visitors = [house.visitor() for _ in range(5)]
    pages = [visitor.get("/enrol") for visitor in visitors]

    def take(both):
        visitor, page = both
        return visitor.submit(page, "/enrol", code=code).status

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(take, zip(visitors, pages, strict=True))) == [200, 400, 400, 400, 400]


def test_an_enrolment_code_of_a_suspended_account_does_not_count(house):
    code = house.account("anna")
    house.people.accounts.suspend("anna")
    visitor = house.visitor()
    assert visitor.submit(visitor.get("/enrol"), "/enrol", code=code).status == 400


def test_looking_at_the_page_does_not_use_the_code_up(house):
    code = house.account()
    house.visitor().get(f"/enrol?code={code}")
    house.visitor().enrol(code)


def test_a_recovery_code_counts_once_and_only_leads_to_setting_up_anew(house):
    visitor = house.with_passkey("anna")
    visitor.sign_in_by_passkey()
    other = house.visitor()
    page = _recover(other, "anna", visitor.codes[3])
    assert page.path == "/enrol"
    assert other.get("/account").path == "/enrol"
    assert not visitor.signed_in(), "all other sessions end"
    again = _recover(house.visitor(), "anna", visitor.codes[3])
    assert (again.status, "did not fit" in again.alert) == (403, True)
    other.add_passkey(Authenticator(house.url))
    other.finish()
    assert other.sign_in_by_passkey().status_code == 200


def test_of_many_with_one_recovery_code_one_gets_in(house):
    code = house.with_passkey("anna").codes[0]
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda visitor: _recover(visitor, "anna", code), [house.visitor() for _ in range(4)]))
    assert sorted(page.status for page in pages) == [200, 403, 403, 403]


def test_a_recovery_code_needs_the_password_where_there_is_one(house):
    visitor = house.with_password("anna")
    code = visitor.codes[0]
    assert _recover(house.visitor(), "anna", code).status == 403
    assert _recover(house.visitor(), "anna", code, password="wrong wrong wrong").status == 403
    assert _recover(house.visitor(), "anna", code, password=PASSWORD).path == "/enrol"


def test_a_recovery_code_of_another_account_does_not_count(house):
    anna = house.with_passkey("anna")
    house.with_passkey("bert")
    refused = [_recover(house.visitor(), "bert", anna.codes[0]), _recover(house.visitor(), "nobody", anna.codes[0])]
    assert {(page.status, page.alert) for page in refused} == {(403, refused[0].alert)}
    assert house.count("recovery_code") == 20


def test_new_recovery_codes_end_the_old_ones(house):
    visitor = house.with_passkey("anna")
    old = visitor.codes
    visitor.sign_in_by_passkey()
    new = visitor.submit(visitor.get("/account"), "/account/codes").codes
    assert len(new) == 10
    assert not set(old) & set(new)
    assert _recover(house.visitor(), "anna", old[0]).status == 403
    assert _recover(house.visitor(), "anna", new[0]).path == "/enrol"


def test_codes_are_kept_as_hashes(house):
    visitor = house.with_passkey("anna")
    enrolment = house.account("bert")
    with house.engine.connect() as connection:
        kept = connection.exec_driver_sql(
            "select digest from recovery_code union all select digest from enrolment"
        ).scalars()
        assert all(len(each) == 32 for each in kept)
    assert codes.typed(enrolment) != enrolment
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code) for code in visitor.codes)


def test_the_last_way_in_cannot_be_taken_away(house):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    page = visitor.submit(visitor.get("/account"), "/account/passkeys/remove")
    assert (page.status, "last way" in page.alert) == (422, True)
    visitor.set_password(PASSWORD)
    assert visitor.submit(visitor.get("/account"), "/account/passkeys/remove").status == 200
    assert house.count("passkey") == 0
    page = visitor.submit(visitor.get("/account"), "/account/password/remove")
    assert (page.status, house.count("account_secret")) == (422, 1)


def test_nobody_removes_the_passkey_of_another(house):
    anna, bert = house.with_passkey("anna"), house.with_passkey("bert")
    anna.sign_in_by_passkey()
    bert.sign_in_by_passkey()
    theirs = anna.get("/account").form("/account/passkeys/remove").fields["passkey"]
    bert.submit(bert.get("/account"), "/account/passkeys/remove", passkey=theirs)
    assert house.count("passkey") == 2
    assert bert.submit(bert.get("/account"), "/account/passkeys/remove", passkey="'--").status == 200
    assert house.count("passkey") == 2


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("/account/codes", {}),
        ("/account/passkeys/remove", {}),
        ("/account/password", {"password": PASSWORD, "again": PASSWORD}),
        ("/account/totp", {"code": "000000"}),
        ("/account/password/remove", {}),
    ],
)
def test_who_signed_in_long_ago_signs_in_again_to_change_anything(house, action, fields):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    house.clock.advance(minutes=16)
    csrf = visitor.get("/account").form("/account/codes").fields["csrf"]
    page = visitor.post(action, {"csrf": csrf} | fields)
    assert page.path == "/signin?next=%2Faccount&notice=stale"
    assert (house.count("passkey"), house.count("account_secret")) == (1, 0)
    assert visitor.json(visitor.get("/account"), "/account/passkeys/options", {}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/account/codes",
        "/account/passkeys/remove",
        "/account/password",
        "/account/totp",
        "/account/sessions",
        "/enrol/finish",
    ],
)
def test_strangers_are_led_to_signing_in(house, path):
    visitor = house.visitor()
    csrf = visitor.get("/signin/password").form("/signin/password").fields["csrf"]
    assert visitor.post(path, {"csrf": csrf}).path == "/signin?next=%2Faccount"
    page = visitor.get("/signin")
    assert visitor.json(page, "/account/passkeys/options", {}).status_code == 403
    assert visitor.json(page, "/account/passkeys", {}).json()["next"].startswith("/signin")


def test_a_reset_takes_everything_away_and_is_done_by_somebody_else(house):
    visitor = house.with_password("anna")
    visitor.sign_in("anna", PASSWORD)
    house.account("kari", Relation.OPERATOR)
    house.account("per", Relation.CASEWORKER)
    accounts = house.people.accounts
    for wrong in ("anna", "per", "nobody"):
        with pytest.raises(AccountRefused):
            accounts.reset("anna", by=wrong)
    accounts.suspend("kari")
    with pytest.raises(AccountRefused):
        accounts.reset("anna", by="kari")
    accounts.resume("kari")
    code = accounts.reset("anna", by="kari")
    assert not visitor.signed_in()
    assert visitor.sign_in("anna", PASSWORD).status == 403
    assert _recover(house.visitor(), "anna", visitor.codes[0], password=PASSWORD).status == 403
    house.visitor().enrol(code)


def test_ten_passkeys_are_enough(house):
    visitor = house.visitor()
    visitor.enrol(house.account())
    answers = [visitor.add_passkey(Authenticator(house.url)).status_code for _ in range(11)]
    assert answers == [200] * 10 + [422]


def _recover(visitor, login, code, password=""):
    return visitor.submit(
        visitor.get("/signin/recovery"), "/signin/recovery", login=login, code=code, password=password
    )
