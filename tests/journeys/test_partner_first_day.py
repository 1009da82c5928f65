"""A partner's developer on the first day: keys, a client, a token, a question - by the commands of the README."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import commands
import pytest
from asking import NOW
from databases import cloned
from psycopg import connect
from web.serving import hub_process, root_key

from hub.store import Database
from hub.synthetic import decorate

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "partner.py"
OPENINGS = "{ viewer { relation scopes organisation { slug } } openings(first: 2) { nodes { title } } }"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def demo(facts_template: Database) -> Iterator[Database]:
    with cloned(facts_template) as database:
        engine = database.engine()
        decorate(engine, seed=1, today=NOW.date())
        engine.dispose()
        yield database


@pytest.fixture(scope="module")
def url(demo: Database) -> Iterator[str]:
    with hub_process(demo) as (url, _process):
        yield url


@pytest.fixture
def run(demo: Database, url: str, tmp_path: Path) -> Run:
    """Run the example or the hub's own commands, as in a terminal beside the running hub."""
    operator = {"HUB_DATABASE_URL": demo.conninfo, "HUB_ROOT_KEY_FILE": str(root_key())}

    def run(*words: str, **more: str) -> str:
        if words[:1] == ("icorn-hub",):
            done = commands.typed(*words[1:], folder=tmp_path, **operator)
            done.check_returncode()
            return done.stdout
        env = {"PATH": os.environ["PATH"], "HUB": url, **more}
        command = [sys.executable, str(EXAMPLE), *words]
        return subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout

    return run


def test_with_the_scope_the_value_without_it_the_rule(run: Run, tmp_path: Path):
    (tmp_path / "pen.jwks").write_text(run("keys"))
    scopes = ("--scope", "network:read", "--scope", "referral:send")
    client = run(
        "icorn-hub", "client", "create", "PEN's program", "--body", "pen-international", *scopes, "--jwks", "pen.jwks"
    ).split()[-1]

    answer = json.loads(run("ask", client, OPENINGS))
    assert answer["data"]["viewer"] == {
        "relation": "PARTNER_AGREEMENT",
        "scopes": ["NETWORK_READ", "REFERRAL_SEND"],
        "organisation": {"slug": "pen-international"},
    }
    assert len(answer["data"]["openings"]["nodes"]) == 2
    assert "extensions" not in answer

    answer = json.loads(run("ask", client, OPENINGS, SCOPE="referral:send"))
    assert answer["data"]["openings"] is None
    assert answer["extensions"]["withheld"] == [{"path": ["openings"], "category": "NETWORK", "code": "SCOPE"}]

    run("icorn-hub", "body", "cut-off", "pen-international")
    assert "error_description" in told(run, "ask", client, OPENINGS)


def test_a_key_is_not_written_over_and_who_says_nothing_is_told_what_to_say(run: Run, tmp_path: Path):
    run("keys")
    kept = (tmp_path / "partner.key").read_text()
    assert "partner.key is there already" in told(run, "keys")
    assert (tmp_path / "partner.key").read_text() == kept
    for words in ((), ("ask",), ("ask", "somebody")):
        assert "partner.py ask CLIENT_ID" in told(run, *words)


def told(run: Run, *words: str) -> str:
    """Run the example where it must refuse; give what it says, which is no traceback."""
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run(*words)
    assert "Traceback" not in refused.value.stderr
    return str(refused.value.stderr)


INBOX = """{ referrals(first: 50, where: { mySide: RECIPIENT, open: true }, orderBy: { field: DUE }) {
  totalCount nodes { id state purpose urgency case { id state identity { legalName } } } } }"""


def test_an_inbox_shows_envelopes_and_what_persons_allowed_for_the_purpose(run: Run, tmp_path: Path, demo: Database):
    run("icorn-hub", "body", "restore", "pen-international")
    run("icorn-hub", "synthetic", "--cases", "40")
    (tmp_path / "pen.jwks").write_text(run("keys"))
    scopes = [word for scope in ("referral:receive", "case:read", "identity:read") for word in ("--scope", scope)]
    client = run(
        "icorn-hub", "client", "create", "PEN's desk", "--body", "pen-international", *scopes,
        "--purpose", "assessment", "--jwks", "pen.jwks",
    ).split()[-1]  # fmt: skip

    answer = json.loads(run("ask", client, INBOX))
    inbox = answer["data"]["referrals"]
    assert inbox["totalCount"] == len(inbox["nodes"]) > 3
    opened = [each for each in inbox["nodes"] if each["case"] and each["case"]["state"]]
    assert opened
    assert {each["purpose"] for each in opened} == {"ASSESSMENT"}
    named = [each["case"]["identity"]["legalName"] for each in opened if each["case"]["identity"]]
    assert named
    assert all("(made up)" in name for name in named)
    assert {each["code"] for each in answer["extensions"]["withheld"]} == {"CONSENT"}

    # Without the scope the same cases show no name, and nobody's is asked for.
    less = json.loads(run("ask", client, INBOX, SCOPE="referral:receive case:read"))
    assert {each["case"]["identity"] for each in less["data"]["referrals"]["nodes"] if each["case"]} == {None}
    with connect(demo.conninfo) as connection:
        entries = connection.execute("select client, purpose, fields_returned from audit_leaf order by at").fetchall()
    assert [(each[0], each[1], "Identity.legalName" in each[2]) for each in entries] == [
        (client, "assessment", True),
        (client, "assessment", False),
    ]
