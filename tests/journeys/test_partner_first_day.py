"""A partner's developer on the first day: keys, a client, a token, a question - by the commands of the README."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asking import NOW
from databases import cloned
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


@pytest.fixture
def run(demo: Database, tmp_path: Path) -> Iterator[Run]:
    """Run the example or the hub's own commands, as in a terminal beside the running hub."""
    with hub_process(demo) as (url, _process):
        environment = {**os.environ, "HUB_DATABASE_URL": demo.conninfo, "HUB_ROOT_KEY_FILE": str(root_key())}
        operator = {name: value for name, value in environment.items() if name != "HUB"}

        def run(*words: str, **more: str) -> str:
            ours = words[0] == "icorn-hub"
            command = ["-c", "from hub.cli import main; main()", *words[1:]] if ours else [str(EXAMPLE), *words]
            env = operator if ours else {"PATH": os.environ["PATH"], "HUB": url, **more}
            done = subprocess.run(
                [sys.executable, *command], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
            )
            return done.stdout

        yield run


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
    with pytest.raises(subprocess.CalledProcessError):
        run("ask", client, OPENINGS)
