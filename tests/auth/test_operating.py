"""What operators type."""

import json
import re

import pytest
from databases import cloned
from partner import new_key
from typer.testing import CliRunner

from hub import log
from hub.cli import load
from hub.errors import HubError


@pytest.fixture(scope="module")
def run(template, tmp_path_factory):
    with cloned(template) as database:
        folder = str(tmp_path_factory.mktemp("operator"))
        environ = {"HUB_DATA_DIR": folder, "HUB_DATABASE_URL": database.conninfo, "COLUMNS": "200"}
        yield lambda *arguments: CliRunner().invoke(load(), arguments, env=environ)
    log.configure(strict=True, level="warning")


@pytest.fixture(scope="module")
def jwks(tmp_path_factory):
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps({"keys": [new_key().as_dict(private=False) | {"kid": "k"}]}))
    return str(file)


def good(done):
    assert (done.exit_code, done.stderr) == (0, ""), done.exception
    return done.stdout.strip()


def bad(done):
    assert isinstance(done.exception, HubError), done.exception
    return str(done.exception)


def test_a_client_from_its_making_to_its_end(run, jwks):
    made = ("client", "create", "The archive", "--relation", "auditor", "--scope", "network:read", "--jwks", jwks)
    client = good(run(*made))
    assert re.fullmatch(r"[0-9a-f-]{36}", client)
    shown = json.loads(good(run("client", "show", client)))
    assert shown["scopes"] == ["network:read"]
    assert shown["relation"] == "auditor"
    assert "network:read stats:read" in good(
        run("client", "grant", client, "--scope", "network:read", "--scope", "stats:read")
    )
    assert "active" in good(run("client", "list"))
    good(run("client", "suspend", client))
    assert "cut off" in good(run("client", "list"))
    good(run("client", "resume", client))
    assert "active" in good(run("client", "list"))
    good(run("client", "rotate", client, "--jwks-uri", "https://archive.example/keys"))
    assert json.loads(good(run("client", "show", client)))["jwks_uri"] == "https://archive.example/keys"


def test_a_client_of_the_provider_has_its_id_there_and_no_key_here(run, jwks):
    made = ("client", "create", "At the provider", "--kind", "provided", "--scope", "network:read")
    assert good(run(*made, "--id", "at-provider")) == "at-provider"
    shown = json.loads(good(run("client", "show", "at-provider")))
    assert (shown["kind"], shown["jwks"], shown["jwks_uri"]) == ("provided", None, None)
    assert "name it" in bad(run(*made))
    assert "keys there" in bad(run(*made, "--id", "another", "--jwks", jwks))
    assert "keys there" in bad(run("client", "rotate", "at-provider", "--jwks", jwks))
    good(run("client", "suspend", "at-provider"))
    assert "cut off" in good(run("client", "list"))


def test_what_does_not_go_together_is_refused_in_a_sentence(run, jwks, tmp_path):
    private = tmp_path / "private.json"
    private.write_text(json.dumps({"keys": [new_key().as_dict(private=True)]}))
    assert "private" in bad(run("client", "create", "x", "--relation", "auditor", "--jwks", str(private)))
    assert "relation" in bad(run("client", "create", "x", "--jwks", jwks))
    assert "key set" in bad(run("client", "create", "x", "--relation", "auditor"))
    assert "redirect" in bad(run("client", "create", "x", "--kind", "web", "--jwks", jwks))
    assert "slug" in bad(run("client", "create", "x", "--body", "no-such", "--jwks", jwks))
    assert "there is none" in bad(run("client", "show", "no-such"))
    assert "slug" in bad(run("body", "cut-off", "no-such"))


def test_keys_are_rotated_and_listed(run):
    first = good(run("key", "rotate", "--lead-minutes", "0")).split()[0]
    second = good(run("key", "rotate")).split()[0]
    listed = good(run("key", "list"))
    assert first in listed
    assert second in listed
    good(run("key", "rotate", "--compromised"))
