"""The console in a real browser: behind the sign-in pages, under its policy, forgetting all, usable by keyboard.

Long, because one hub and one browser, which take long to start, serve all of it.
"""

import json
import os
import re
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.console import (
    choose,
    eventually,
    run,
    until,
    until_loaded,
    until_written,
    watched,
    write,
    write_line,
    written,
)
from browser.reading import CONTRAST
from browser.whole import enrol, sign_in, whole, with_passkeys
from databases import cloned

from schema.vocabulary import Relation

STORED = """
async () => {
  const kept = { ...localStorage, ...sessionStorage };
  const databases = (await indexedDB.databases()).map((each) => each.name);
  return { kept, databases, caches: await caches.keys(), cookies: document.cookie };
}
"""
INSIDE = """
(e) => {
  const style = getComputedStyle(e), { width, height } = e.getBoundingClientRect();
  return [width - 2 * parseFloat(style.paddingLeft), height - 2 * parseFloat(style.paddingTop)];
}
"""
COLOURS = """
() => [...document.querySelectorAll(".graphiql-query-editor .view-line span, .result-window .view-line span")]
  .filter((e) => !e.children.length).map((e) => getComputedStyle(e).color)
"""
SELECTED = """
() => {
  const editor = __MONACO.editor.getEditors().find((each) => each.getModel().uri.path.endsWith("response.json"));
  return editor.getModel().getValueInRange(editor.getSelection());
}
"""
NOTHING = {"kept": {}, "databases": [], "caches": [], "cookies": ""}
SOCKET = """
(url) => new Promise((done) => {
  const socket = new WebSocket(url, "graphql-transport-ws");
  socket.onopen = () => socket.send(JSON.stringify({ type: "connection_init", payload: { "x-hub-console": "1" } }));
  socket.onmessage = (message) => done(JSON.parse(message.data).type);
  socket.onclose = (event) => done(`closed: ${event.code} ${event.reason}`);
})
"""


@pytest.fixture(scope="module")
def hub(facts_template, console):
    """The whole hub over the facts."""
    assert console.assets
    with (
        cloned(facts_template) as database,
        tempfile.TemporaryDirectory() as folder,
        whole(database, Path(folder)) as hub,
    ):
        yield hub


@pytest.fixture
def page(chromium, hub):
    """A page of a fresh browser, which must ask nothing of anybody else and break no policy."""
    with watched(chromium, hub.url) as (context, seen):
        page = context.new_page()
        with_passkeys(page)
        yield page
    assert seen.outside == []
    assert seen.broken == []
    # What a test has the hub refuse, or not answer, the browser tells too; Monaco calls "Canceled" what it leaves off.
    assert [line for line in seen.told if not line.startswith(("Failed to load resource:", "Canceled"))] == []


@pytest.fixture
def person(hub, page, request):
    """Somebody with a passkey in this browser; gives the name shown."""
    login = f"anna-{abs(hash(request.node.name)) % 10**8}"
    enrol(page, hub.account(login))
    return login


def _open(page):
    sign_in(page)
    until_loaded(page)


def _seen(page):
    """All that stands on the page or in its editors."""
    models = "globalThis.__MONACO ? __MONACO.editor.getModels().map((each) => each.getValue()).join(' ') : ''"
    return page.evaluate(f"document.documentElement.outerHTML + ({models})")


# ---- A day's work ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("person")
def test_a_person_signs_in_asks_sees_the_cities_on_the_map_and_signs_out(page):
    _open(page)
    assert [tab.inner_text() for tab in page.get_by_role("tab").all()] == [
        "OpenPlaces",
        "Cities",
        "NetworkSizeByYear",
        "Cases",
        "OpenCase",
        "Recipient",
        "Draft",
        "AskConsent",
        "RecordConsent",
        "Send",
        "Follow",
        "Confirm",
        "HandedOver",
        "Inbox",
        "TakeUp",
        "Accept",
        "Start",
        "Report",
        "TakenUp",
        "WhoAmI",
    ]
    answer = run(page, "Cities")
    assert "data" in answer, answer
    cities = answer["data"]["cities"]["nodes"]
    placed = [city for city in cities if city["latitude"] is not None]
    assert len(placed) > 80
    map_ = page.get_by_role("region", name=f"Map: {len(placed)} places in this answer")
    map_.locator("circle").first.wait_for()
    assert map_.locator("circle").count() == len(placed)
    assert map_.get_by_role("option", name="Stavanger, Norway").count() == 1
    page.get_by_text("List of places").click()
    assert map_.locator("li").count() == len(placed)
    page.get_by_text("List of places").click()
    if picture := os.environ.get("CONSOLE_PICTURE"):
        _take_picture(page, map_, picture)
    assert run(page, "OpenPlaces")["data"]["openings"]["totalCount"] > 0
    assert run(page, "WhoAmI")["data"]["viewer"]["relation"] == "LEAD"
    assert len(run(page, "NetworkSizeByYear")["data"]["networkSize"]) == 20
    page.locator("section.map").wait_for(state="detached")  # no places, no map
    assert page.evaluate(STORED) == NOTHING
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    page.goto("/console")
    assert "/signin?next=%2Fconsole" in page.url


def _take_picture(page, map_, path):
    """Take the picture of the README, in few colours so that it stays small."""
    map_.get_by_role("button", name="Europe").click()
    map_.get_by_role("option", name="Stavanger, Norway").hover()
    page.evaluate("document.querySelector('.who').textContent = 'Anna of the secretariat'")
    page.screenshot(path=path)


@pytest.mark.usefixtures("person")
def test_the_map_is_gone_through_with_the_keyboard_and_the_pointer(page):
    _open(page)
    run(page, "Cities")
    world = page.get_by_role("listbox")
    label = page.locator(".map-label")
    assert label.count() == 0
    page.get_by_role("button", name="Asia and Pacific").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    names = []
    for key in ("ArrowRight", "ArrowRight", "End", "Home", "ArrowLeft"):
        page.keyboard.press(key)
        current = page.locator(f"[id='{world.get_attribute('aria-activedescendant')}']")
        assert current.get_attribute("aria-selected") == "true"
        assert label.text_content() == current.get_attribute("aria-label")
        names.append(label.text_content())
    assert len(set(names)) == 4
    assert names[3] == names[4], "there is nothing west of the first"
    page.keyboard.press("Shift+Tab")
    label.wait_for(state="detached")
    page.get_by_role("button", name="Europe").click()
    stavanger = page.get_by_role("option", name="Stavanger, Norway").bounding_box()
    page.mouse.move(stavanger["x"] + stavanger["width"] / 2, stavanger["y"] + stavanger["height"] / 2)
    assert label.text_content() == "Stavanger, Norway"
    page.mouse.move(5, 5)
    label.wait_for(state="detached")


@pytest.mark.usefixtures("person")
def test_what_the_hub_refuses_is_shown_as_the_hub_says_it(page):
    _open(page)
    write(page, "query Wrong { cities(first: 500) { nodes { name } } }")
    assert [error["extensions"]["code"] for error in run(page)["errors"]] == ["BAD_PAGE"]
    page.route("**/graphql", lambda route: route.abort())
    page.get_by_role("button", name="Execute query").click()
    assert "stack" not in until(page, lambda answer: "cannot be reached" in answer)
    write(page, "subscription Numbers { number }")
    page.get_by_role("button", name="Execute query").click()
    assert "stack" not in until(page, lambda answer: "cannot be reached" in answer)
    page.unroute("**/graphql")


@pytest.mark.usefixtures("person")
def test_a_key_is_kept_while_the_same_is_tried_and_new_for_each_intent(page):
    _open(page)
    keys = []

    def note(sent):
        if sent.url.endswith("/graphql") and "mutation OpenCase" in (query := sent.post_data_json["query"]):
            keys.append(re.search(r'idempotencyKey: "([^"]+)"', query).group(1))

    page.on("request", note)
    page.route("**/graphql", lambda route: route.abort())
    choose(page, "OpenCase")
    page.get_by_role("button", name="Execute query").click()
    until(page, lambda answer: "cannot be reached" in answer)
    page.unroute("**/graphql")
    choose(page, "Cases")
    replayed = [run(page, "OpenCase"), run(page)]
    write_line(page, "legalName:", 'identity: { legalName: "Somebody else" }')
    replayed.append(run(page))
    choose(page, "Cases")
    replayed.append(run(page, "OpenCase"))
    assert [answer["data"]["openCase"]["replayed"] for answer in replayed] == [False, True, False, False]
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys)) == 3


@pytest.mark.usefixtures("person")
def test_what_somebody_writes_over_an_id_stays_until_one_is_shown_again(page):
    _open(page)
    shown = run(page, "Recipient")["data"]["organisation"]["id"]
    page.locator(".result-window .view-line span:not(:has(*))").filter(has_text=shown).dblclick()
    assert page.evaluate(SELECTED) == shown, "a double click takes an id whole"
    choose(page, "Draft")
    until_written(page, f'recipient: "{shown}" # from Recipient')
    write_line(page, "recipient:", 'recipient: "or_mine" # from Recipient')
    assert 'recipient: "or_mine"' in written(page)
    run(page, "WhoAmI")
    choose(page, "Draft")
    run(page)  # the console has filled in by now what it fills in
    assert 'recipient: "or_mine"' in written(page)
    run(page, "Recipient")
    choose(page, "Draft")
    until_written(page, f'recipient: "{shown}"')


@pytest.mark.usefixtures("person")
def test_an_answer_that_comes_after_the_tab_was_run_again_gives_no_id(page):
    _open(page)
    held = []
    page.route(
        "**/graphql", lambda route: held.append(route) if "Recipient" in route.request.post_data else route.fallback()
    )

    def run_recipient(slug):
        choose(page, "Recipient")
        until_written(page, "slug:")
        write(page, f'query Recipient {{ organisation(slug: "{slug}") {{ id }} }}')
        many = len(held)
        page.get_by_role("button", name="Execute query").click()
        while len(held) == many:
            page.wait_for_timeout(20)
        choose(page, "Draft")

    run_recipient("sar")
    run_recipient("pen-international")
    until_written(page, 'recipient: "or_..."')
    with page.expect_response("**/graphql"):
        held[0].continue_()
    page.wait_for_timeout(200)
    assert 'recipient: "or_..."' in written(page)
    with page.expect_response("**/graphql") as answered:
        held[1].continue_()
    until_written(page, f'recipient: "{answered.value.json()["data"]["organisation"]["id"]}" # from Recipient')
    page.unroute("**/graphql")


# ---- Nothing stays ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("person")
def test_nothing_but_the_colours_outlives_a_reload(page):
    _open(page)
    write(page, "query Planted4711 { viewer { relation } }")
    assert run(page)["data"]["viewer"]["relation"] == "LEAD"
    page.get_by_role("button", name="Headers").click()
    page.locator(".graphiql-editor-tool .view-lines:visible").click()
    page.keyboard.insert_text('{"x-planted": "4712"}')
    page.wait_for_timeout(700)  # GraphiQL writes half a second later
    assert "4711" in _seen(page)
    assert "4712" in _seen(page)
    assert page.evaluate(STORED) == NOTHING
    page.get_by_role("button", name="Open settings dialog").click()
    assert page.get_by_text(re.compile("persist", re.IGNORECASE)).count() == 0
    assert page.get_by_role("button", name="Close dialog").locator("svg").evaluate(INSIDE) == [12, 12]
    page.get_by_role("button", name="Dark").click()
    page.keyboard.press("Escape")
    page.reload()
    until_loaded(page)
    assert "4711" not in _seen(page)
    assert "4712" not in _seen(page)
    assert page.evaluate(STORED) == NOTHING | {"kept": {"hub-console:theme": "dark"}}
    assert "graphiql-dark" in page.locator("body").get_attribute("class")


def test_the_next_person_at_the_same_browser_sees_nothing_of_the_first(page, person, hub):
    _open(page)
    write(page, "query Planted4713 { viewer { relation } }")
    run(page)
    left_open = page.context.new_page()
    left_open.goto("/console")
    until_loaded(left_open)
    left_open.bring_to_front()
    write(left_open, "query Planted4714 { viewer { relation } }")
    page.bring_to_front()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    left_open.wait_for_url("**/signin?next=%2Fconsole")
    assert "4714" not in _seen(left_open)
    page.go_back()
    page.go_back()
    page.wait_for_url("**/signin?next=%2Fconsole")
    assert "4713" not in _seen(page)
    assert person.title() not in _seen(page)

    other = hub.account(f"berta-{person}", Relation.BOARD)
    second = page.context.new_page()
    with_passkeys(second)
    enrol(second, other)
    _open(second)
    assert run(second, "WhoAmI")["data"]["viewer"]["relation"] == "BOARD"
    second.get_by_text(f"Berta-{person.title()} of the tests").wait_for()
    assert f">{person.title()}" not in _seen(second)
    assert "4713" not in _seen(second)
    assert "4714" not in _seen(second)
    second.get_by_role("button", name="Show History").click()
    assert second.get_by_text("Planted").count() == 0
    assert second.evaluate(STORED) == NOTHING


def test_a_page_left_open_becomes_the_next_persons_when_they_come_without_a_signing_out(page, person, hub):
    _open(page)
    write(page, "query Planted4716 { viewer { relation } }")
    run(page)
    other = hub.account(f"berta-{person}", Relation.BOARD)
    page.context.clear_cookies()
    second = page.context.new_page()
    with_passkeys(second)
    enrol(second, other)
    _open(second)
    page.get_by_text(f"Berta-{person.title()} of the tests").wait_for()
    until_loaded(page)
    assert f">{person.title()}" not in _seen(page)
    assert "4716" not in _seen(page)


def test_a_session_that_ended_is_said_and_takes_what_was_shown_along(page, person, hub):
    _open(page)
    run(page, "Cities")
    assert "Stavanger" in _seen(page)
    hub.people.accounts.suspend(person)
    page.get_by_role("button", name="Execute query").click()
    ended = page.get_by_role("alert").filter(has_text="session")
    ended.wait_for()
    assert "Your session has ended" in ended.inner_text()
    assert "Stavanger" not in _seen(page)
    assert person.title() not in _seen(page)
    again = page.get_by_role("link", name="Sign in again")
    assert again.evaluate("(each) => each === document.activeElement")
    again.click()
    page.wait_for_url("**/signin?next=%2Fconsole&notice=expired")
    page.get_by_text("Your session has ended. Sign in again.").wait_for()


@pytest.mark.usefixtures("person")
def test_a_page_nobody_uses_empties_itself_when_its_session_has_idled_away(page):
    _open(page)
    assert page.locator("#console").get_attribute("data-idle") == str(30 * 60)

    def hurried(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('data-idle="1800"', 'data-idle="5"'))

    page.route("**/console", hurried)
    page.reload()
    until_loaded(page)
    write(page, "query Planted4715 { viewer { relation } }")
    with page.expect_navigation():
        assert "4715" in _seen(page)
    until_loaded(page)
    assert "4715" not in _seen(page)
    page.unroute("**/console")


# ---- What the hub will serve next: stood in for, until it does -------------------------------------------------------


@pytest.mark.usefixtures("person")
def test_a_subscription_is_asked_for_as_server_sent_events(page):
    _open(page)
    asked = []

    def stream(route):
        if route.request.headers.get("accept") != "text/event-stream":
            route.fallback()
            return
        said = route.request.post_data_json
        asked.append((route.request.method, route.request.headers["x-hub-console"], said["query"]))
        events = [("next", {"data": {"number": 1}}), ("next", {"data": {"number": 2}})]
        body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
        route.fulfill(content_type="text/event-stream", body=body + "event: complete\ndata:\n\n")

    page.route("**/graphql", stream)
    write(page, "subscription Numbers { number }")
    assert run(page)["data"] == {"number": 2}
    assert asked == [("POST", "1", "subscription Numbers { number }")]
    page.unroute("**/graphql")


@pytest.mark.usefixtures("person")
def test_a_subscription_the_hub_refuses_is_told_once_in_its_words(page):
    _open(page)
    asked = []
    page.on("request", lambda sent: asked.append(sent) if sent.headers.get("accept") == "text/event-stream" else None)
    write(page, "subscription Numbers { number }")
    assert run(page)["errors"]
    page.wait_for_timeout(1500)  # a client that tried again would have done so
    assert len(asked) == 1


@pytest.mark.usefixtures("person")
def test_a_purpose_is_offered_when_the_hub_knows_some_and_sent_when_chosen(page):
    _open(page)
    assert page.get_by_label("Purpose").count() == 0
    sent = []

    def answer(route):
        request = route.request
        sent.append(request.headers.get("purpose-of-use"))
        if request.post_data_json["operationName"] == "Purposes":
            route.fulfill(json={"data": {"viewer": {"purposes": ["RESIDENCY_PLACEMENT", "STATISTICS"]}}})
        else:
            route.fallback()

    page.route("**/graphql", answer)
    page.reload()
    page.get_by_label("Purpose").select_option("residency placement")
    assert set(sent) == {None}
    run(page, "WhoAmI")
    assert sent[-1] == "residency_placement"
    page.unroute("**/graphql")


# ---- For everybody ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("person")
def test_the_console_can_be_used_by_everybody(page, scheme):
    page.emulate_media(color_scheme=scheme)
    _open(page)
    run(page, "Cities")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "Console - ICORN hub"
    assert page.locator("h1").count() == 1
    unnamed = """() => [...document.querySelectorAll("button, a, select, [role=tab], [role=listbox], [role=option]")]
      .filter((e) => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || e.title))
      .map((e) => e.outerHTML)"""
    assert page.evaluate(unnamed) == []
    ours = CONTRAST.replace('"body *"', '".bar *, .skip, .map *:not(svg *)"')
    assert page.evaluate(ours) == []
    # The system goes over to the other colours: the editors go along, and back.
    before = set(page.evaluate(COLOURS))
    for now in ("light" if scheme == "dark" else "dark", scheme):
        page.emulate_media(color_scheme=now)
        before = eventually(page, lambda: set(page.evaluate(COLOURS)), before.isdisjoint)
        assert eventually(page, lambda: page.evaluate(ours), [].__eq__) == []
    page.get_by_role("link", name="ICORN hub console").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the console"
    order = [""]
    while not order[-1].startswith("Map of World"):
        assert len(order) < 100, order
        page.keyboard.press("Tab")
        order.append(page.evaluate("(e => e.ariaLabel || e.textContent.trim())(document.activeElement)"))
    wanted = ["ICORN hub console", "Your account", "Sign out", "Cities", "Execute query (Ctrl-Enter)", "World"]
    assert [each for each in order if each in wanted] == wanted
    # Nothing stands beyond an edge, and on a narrow screen the answer stands below the question.
    long = "query Long { cities(first: 1, where: { open: true }) { nodes { slug name country latitude longitude } } } #"
    write(page, f"{long} {'so on ' * 20}")
    assert page.locator(".graphiql-query-editor .view-line").count() > 1
    page.set_viewport_size({"width": 390, "height": 844})

    def stacked():
        question, answer = (page.locator(each).bounding_box() for each in (".graphiql-editors", ".graphiql-response"))
        return (
            answer["y"] >= question["y"] + question["height"]
            and min(question["width"], answer["width"]) > 250
            and min(question["height"], answer["height"]) > 150
            and page.locator(".graphiql-sessions").evaluate("(e) => e.scrollHeight") < 2500
        )

    eventually(page, stacked)


class Neighbour(BaseHTTPRequestHandler):
    """Another site on the same machine."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Next door</title>")

    def log_message(self, *_):
        pass


@pytest.mark.usefixtures("person")
def test_a_page_next_door_opens_no_socket_by_the_cookie_of_who_is_signed_in(chromium, hub, page):
    sign_in(page)
    graph = hub.url.replace("http", "ws", 1) + "/graphql"
    with ThreadingHTTPServer(("127.0.0.1", 0), Neighbour) as neighbour:
        threading.Thread(target=neighbour.serve_forever, daemon=True).start()
        # Cookies know no ports: the browser sends ours along from there too.
        context = chromium.new_context(storage_state=page.context.storage_state())
        other = context.new_page()
        other.goto(f"http://localhost:{neighbour.server_port}/")
        assert other.evaluate(SOCKET, graph) == "closed: 1006 "
        other.goto(f"{hub.url}/console")
        assert other.evaluate(SOCKET, graph) == "connection_ack"
        context.close()
        neighbour.shutdown()
