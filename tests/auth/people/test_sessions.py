"""Sessions: how long they live, what ends them, and what does not begin them."""

import pytest
from sqlmodel import Session
from visiting.house import PASSWORD

from hub.auth import denials
from hub.auth.people.sessions import cookie
from hub.auth.sessions import Sessions
from schema.vocabulary import AccessScope, Relation


def test_a_session_ends_after_half_an_hour_without_use(house):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    for _ in range(4):
        house.clock.advance(minutes=29)
        assert visitor.signed_in()
    house.clock.advance(minutes=31)
    assert not visitor.signed_in()


def test_a_session_ends_after_eight_hours_whatever_happens(house):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    for _ in range(23):
        house.clock.advance(minutes=20)
        assert visitor.signed_in()
    house.clock.advance(minutes=20)
    assert not visitor.signed_in()


def test_setting_up_has_an_hour(house):
    visitor = house.visitor()
    visitor.enrol(house.account())
    for _ in range(2):
        house.clock.advance(minutes=25)
        assert "Welcome" in visitor.get("/enrol").text
    house.clock.advance(minutes=11)
    assert "Welcome" not in visitor.get("/enrol").text


def test_a_suspended_account_is_cut_off_at_its_next_request(house):
    visitor = house.with_passkey("anna")
    visitor.sign_in_by_passkey()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("update account set status = 'suspended'")
    assert house.count("web_session") == 1, "the session itself is still there"
    assert not visitor.signed_in()
    assert visitor.sign_in_by_passkey().status_code == 403
    house.people.accounts.resume("anna")
    assert visitor.sign_in_by_passkey().status_code == 200


def test_suspending_ends_every_session_for_good(house):
    visitor = house.with_passkey("anna")
    visitor.sign_in_by_passkey()
    house.people.accounts.suspend("anna")
    house.people.accounts.resume("anna")
    assert not visitor.signed_in()


def test_suspending_denies_the_tokens_the_account_had(house):
    visitor = house.with_passkey("anna")
    visitor.sign_in_by_passkey()
    account = house.people.sessions.current(_cookies(visitor))
    issued = house.people.clock.now()

    def denied() -> bool:
        with Session(house.engine) as session:
            return denials.denied(session, [f"sub:{account.id}"], issued_at=issued, now=house.people.clock.now())

    assert not denied()
    house.people.accounts.suspend("anna")
    assert denied()


def test_another_role_means_signing_in_anew(house):
    visitor = house.with_passkey("anna", Relation.OPERATOR)
    visitor.sign_in_by_passkey()
    house.people.accounts.move("anna", role=Relation.DPO)
    assert not visitor.signed_in()
    visitor.sign_in_by_passkey()
    account = house.people.sessions.current(_cookies(visitor))
    assert (account.relation, AccessScope.AUDIT_READ in account.scopes) == (Relation.DPO, True)


@pytest.mark.parametrize("way", ["passkey", "password"])
def test_a_token_planted_before_signing_in_is_worth_nothing_after(house, way):
    visitor = house.with_passkey("anna") if way == "passkey" else house.with_password("anna")
    planted = "A" * 43
    visitor.client.cookies.set("session", planted, domain="localhost.local", path="/")
    if way == "passkey":
        visitor.sign_in_by_passkey()
    else:
        visitor.sign_in("anna", PASSWORD)
    attacker = house.visitor()
    attacker.client.cookies.set("session", planted)
    assert not attacker.signed_in()


def test_signing_in_again_ends_the_session_before_under_a_new_token(house):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    first = dict(visitor.cookies())["session"]
    visitor.sign_in_by_passkey()
    second = dict(visitor.cookies())["session"]
    assert first != second
    thief = house.visitor()
    thief.client.cookies.set("session", first)
    assert not thief.signed_in()
    assert house.count("web_session") == 1


def test_a_session_of_setting_up_opens_nothing_else(house):
    visitor = house.visitor()
    visitor.enrol(house.account())
    assert visitor.get("/account").path == "/enrol"
    assert house.people.sessions.current(_cookies(visitor)) is None


def test_a_person_sees_their_sessions_and_ends_them(house):
    laptop = house.with_passkey("anna")
    laptop.sign_in_by_passkey()
    phone, tablet = house.visitor(), house.visitor()
    for browser in (phone, tablet):
        browser.key = laptop.key
        browser.sign_in_by_passkey()
    page = laptop.get("/account")
    listed = [form for form in page.forms if form.action == "/account/sessions"]
    assert len(listed) == 3, "two to end, and all others at once"
    assert page.text.count("this one") == 1
    laptop.post("/account/sessions", listed[0].fields)
    assert [phone.signed_in(), tablet.signed_in()].count(True) == 1
    laptop.post("/account/sessions", listed[-1].fields)
    assert not phone.signed_in()
    assert not tablet.signed_in()
    assert laptop.signed_in()


def test_nobody_ends_the_session_of_another(house):
    anna, bert = house.with_passkey("anna"), house.with_passkey("bert")
    anna.sign_in_by_passkey()
    bert.sign_in_by_passkey()
    with house.engine.connect() as connection:
        theirs = connection.exec_driver_sql(
            "select s.id from web_session s join account a on a.id = s.account_id where a.login = 'anna'"
        ).scalar_one()
    csrf = bert.get("/account").form("/account/codes").fields["csrf"]
    bert.post("/account/sessions", {"csrf": csrf, "session": str(theirs)})
    assert anna.signed_in()


def test_signing_out_ends_the_session_itself(house):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    token = dict(visitor.cookies())["session"]
    page = visitor.submit(visitor.get("/signout"), "/signout")
    assert page.path == "/signin?notice=left"
    thief = house.visitor()
    thief.client.cookies.set("session", token)
    assert not thief.signed_in()
    assert house.count("web_session") == 0


def test_the_seam_tells_tokens_who_is_signed_in(house):
    sessions: Sessions = house.people.sessions
    visitor = house.with_passkey("anna")
    visitor.sign_in_by_passkey()
    account = sessions.current(_cookies(visitor))
    assert account.relation is Relation.LEAD
    assert account.amr == ("pop", "user", "mfa")
    assert account.auth_time == house.clock.now()
    assert AccessScope.CASE_READ in account.scopes
    later = sessions.account(account.id)
    assert (later.relation, later.amr, later.auth_time) == (Relation.LEAD, (), None)
    house.people.accounts.suspend("anna")
    assert sessions.account(account.id) is None
    assert sessions.current(_cookies(visitor)) is None
    assert sessions.current("") is None


def test_a_token_is_kept_as_its_hash(house):
    visitor = house.with_passkey()
    visitor.sign_in_by_passkey()
    token = dict(visitor.cookies())["session"]
    assert len(token) == 43, "256 bits"
    with house.engine.connect() as connection:
        kept = connection.exec_driver_sql("select digest from web_session").scalar_one()
    assert token.encode() not in kept


def test_a_cookie_that_is_there_twice_counts_as_none():
    assert cookie("a=1; session=x; b=2", "session") == "x"
    assert cookie("session=x; session=y", "session") is None
    assert cookie("mysession=x", "session") is None
    assert cookie("session=", "session") is None


def _cookies(visitor):
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies())
