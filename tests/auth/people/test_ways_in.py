"""Setting up and signing in, as people do it."""

from visiting.house import PASSWORD


def test_a_new_account_is_taken_up_with_a_passkey_and_signs_in_with_it(house):
    visitor = house.visitor()
    page = visitor.enrol(house.account("anna"))
    assert "Welcome, Anna" in page.text
    added = visitor.add_passkey()
    assert added.json() == {"next": "/enrol?notice=passkey_added"}
    assert len(set(visitor.make_codes())) == 10
    visitor.finish()
    assert not visitor.signed_in()
    answer = visitor.sign_in_by_passkey()
    assert (answer.status_code, answer.json()) == (200, {"next": "/account"})
    assert visitor.signed_in()


def test_a_new_account_is_taken_up_with_a_password_and_signs_in_with_it(house):
    visitor = house.with_password("anna")
    page = visitor.sign_in("anna", PASSWORD)
    assert (page.status, page.path) == (200, "/account")
    assert "Anna" in page.text


def test_setting_up_is_not_finished_without_a_way_in_and_recovery_codes(house):
    visitor = house.visitor()
    page = visitor.enrol(house.account("anna"))
    refused = visitor.submit(page, "/enrol/finish")
    assert (refused.status, "still missing" in refused.alert) == (422, True)
    visitor.make_codes()
    assert visitor.submit(visitor.get("/enrol"), "/enrol/finish").status == 422
    visitor.add_passkey()
    assert visitor.finish().status == 200
