"""People at a real browser: passkeys, passwords, keyboards, large type. Nothing is loaded from elsewhere."""

import os
import re
from pathlib import Path

import pyotp
import pytest
from browser.reading import CONTRAST
from visiting.house import PASSWORD, housed

from hub.clock import SystemClock

PAGES = ["/signin", "/signin/password", "/signin/totp", "/signin/recovery", "/enrol", "/signout"]
UNNAMED = """
() => [...document.querySelectorAll("input:not([type=hidden]):not([hidden])")]
  .filter((e) => !e.labels.length && !e.ariaLabel).map((e) => e.outerHTML)
"""


@pytest.fixture
def house(database):
    """The pages by the machine's own clock, as the browser has no other."""
    with housed(database, SystemClock()) as house:
        yield house


@pytest.fixture
def page(chromium, house):
    """A page of a fresh browser, which must ask nothing of anybody else and break no policy."""
    context = chromium.new_context(base_url=house.url, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    outside, told = [], []
    page.on("request", lambda sent: outside.append(sent.url) if not sent.url.startswith(house.url) else None)
    page.on("console", lambda message: told.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    yield page
    context.close()
    assert outside == []
    assert [
        line for line in told if "Failed to load resource: the server responded with a status of 4" not in line
    ] == []


@pytest.fixture
def shoot(page):
    """Take a picture, where somebody wants to look at them."""

    def shoot(name):
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    return shoot


def _with_passkeys(page):
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, added["authenticatorId"]


def test_a_person_enrols_with_a_passkey_and_signs_in_with_it(house, page, shoot):
    _with_passkeys(page)
    code = house.account("anna")
    page.goto("/enrol")
    page.get_by_label("Enrolment code").fill(code)
    shoot("enrol")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name of the new passkey").fill("Work laptop")
    shoot("setup")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("The passkey was added.").wait_for()
    assert page.get_by_text("Work laptop", exact=True).is_visible()
    page.get_by_role("button", name="Show my recovery codes").click()
    assert len(page.locator("ol.codes li").all()) == 10
    shoot("codes")
    page.get_by_role("link", name="I have kept them safe").click()
    shoot("setup_done")
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("You are set up.").wait_for()
    shoot("signin")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/account")
    assert page.get_by_role("heading", level=1).inner_text() == "Your account"
    shoot("account")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()


def test_a_person_signs_in_by_password_and_code_with_the_keyboard_alone_and_no_scripts(house, chromium):
    context = chromium.new_context(base_url=house.url, java_script_enabled=False)
    plain = context.new_page()
    plain.goto("/enrol")
    _tab_to(plain, "code")
    plain.keyboard.type(house.account("anna"))
    plain.keyboard.press("Enter")
    plain.get_by_text("Passkeys need JavaScript").wait_for()
    plain.get_by_role("link", name="Use a password and one-time codes").press("Enter")
    plain.wait_for_url("**/account/password")
    _tab_to(plain, "password")
    plain.keyboard.type(PASSWORD)
    plain.keyboard.press("Tab")
    plain.keyboard.type(PASSWORD)
    plain.keyboard.press("Enter")
    plain.locator(".key").wait_for()
    seed = plain.locator(".key").inner_text().replace(" ", "")
    assert plain.locator(".picture svg").is_visible()
    _tab_to(plain, "code")
    plain.keyboard.type(pyotp.TOTP(seed).now())
    plain.keyboard.press("Enter")
    plain.get_by_role("status").wait_for()
    plain.get_by_role("button", name="Show my recovery codes").press("Enter")
    plain.get_by_role("link", name="I have kept them safe").press("Enter")
    plain.get_by_role("button", name="Finish").press("Enter")
    plain.get_by_text("You are set up.").wait_for()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("update account_secret set totp_step = totp_step - 2")
    plain.goto("/signin/password?next=/account")
    _tab_to(plain, "login")
    plain.keyboard.type("anna")
    plain.keyboard.press("Tab")
    plain.keyboard.type(PASSWORD)
    plain.keyboard.press("Enter")
    plain.wait_for_url("**/signin/totp*")
    assert plain.evaluate("document.activeElement.id") == "code", "the page says where to type"
    plain.keyboard.type(pyotp.TOTP(seed).now())
    plain.keyboard.press("Enter")
    plain.wait_for_url("**/account")
    assert plain.get_by_role("heading", level=1).inner_text() == "Your account"
    context.close()


def test_a_refusal_is_announced_and_in_focus(page, shoot):
    page.goto("/signin/password")
    page.get_by_label("Login").fill("nobody")
    page.get_by_label("Password").fill("wrong wrong wrong")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("One-time code").fill("123456")
    shoot("totp")
    page.get_by_role("button", name="Sign in").click()
    alert = page.get_by_role("alert")
    assert "did not fit" in alert.inner_text()
    page.locator("[role=alert]:focus").wait_for()
    assert page.title().startswith("Error: ")
    described = page.get_by_label("Login").get_attribute("aria-describedby")
    assert described == alert.get_attribute("id")
    shoot("refused")


def test_a_passkey_that_is_not_there_is_told(page):
    _with_passkeys(page)
    page.goto("/signin")
    page.get_by_role("button", name="Sign in with a passkey").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "cancelled" in alert.inner_text()
    assert page.get_by_role("button", name="Sign in with a passkey").is_enabled()


def test_under_another_name_of_the_machine_passkeys_say_so(house, page):
    other = page.context.new_page()
    other.goto(house.url.replace("localhost", "127.0.0.1") + "/signin")
    other.get_by_role("button", name="Sign in with a passkey").click()
    other.get_by_role("alert").wait_for()
    assert "under this address" in other.get_by_role("alert").inner_text()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_by_everybody(page, path, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(path)
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(UNNAMED) == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
    # 1280 pixels at 400 % are 320: nothing may need scrolling sideways.
    page.set_viewport_size({"width": 320, "height": 600})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for target in page.locator("button:visible, input:visible, .button:visible").all():
        assert target.bounding_box()["height"] >= 44
    page.keyboard.press("Tab")
    assert re.match("Skip", page.evaluate("document.activeElement.textContent")) or path == "/signin/totp"


def test_pages_behind_the_door_can_be_read_by_everybody(house, page, shoot):
    _with_passkeys(page)
    page.goto("/enrol")
    page.get_by_label("Enrolment code").fill(house.account("anna"))
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name of the new passkey").wait_for()
    page.goto("/account/password")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    shoot("new_password")
    page.get_by_role("button", name="Continue").click()
    shoot("new_totp")
    page.get_by_label("One-time code").fill("1")
    page.get_by_role("button", name="Continue").click()
    assert "does not fit" in page.get_by_role("alert").inner_text()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in ("/account/password", "/account/totp", "/enrol"):
            page.goto(path)
            page.set_viewport_size({"width": 320, "height": 600})
            assert (path, page.evaluate(CONTRAST), page.evaluate(UNNAMED)) == (path, [], [])
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
    shoot("setup_dark_narrow")


def test_a_framed_page_does_not_show(house, chromium):
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_content(f'<iframe src="{house.url}/signin/password"></iframe>')
        page.wait_for_timeout(500)
        (framed,) = page.frames[1:]
        assert "Login" not in framed.content()


def _tab_to(page, id_):
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == id_:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"#{id_} is not reached by Tab")
