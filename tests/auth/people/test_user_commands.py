"""`icorn-hub user`, as operators type it."""

import re
from functools import partial

import commands
import pytest


@pytest.fixture
def settings(tmp_path, database):
    return {"HUB_DATA_DIR": str(tmp_path), "HUB_DATABASE_URL": database.conninfo}


@pytest.fixture
def run(settings):
    return partial(commands.typed, "user", **settings)


def test_an_operator_keeps_accounts(run, settings, tmp_path):
    made = commands.started("user", "create", "anna", "--name", "Anna Berg", "--role", "lead", **settings)
    assert made.returncode == 0, made.stderr
    assert re.search(r"^Enrolment code: ([0-9A-Z]{5}-){4}[0-9A-Z]{5}$", made.stdout, re.MULTILINE)
    assert "http://127.0.0.1:8000/enrol" in made.stdout
    assert "Anna" not in made.stderr
    assert (tmp_path / "root.key").stat().st_mode & 0o077 == 0
    assert run("create", "kari", "--name", "Kari", "--role", "operator").returncode == 0
    assert "people.account_suspended" in run("suspend", "anna").stderr
    listed = run("list").stdout
    assert re.search(r"anna .*lead .*suspended", listed)
    assert run("resume", "anna").returncode == 0
    assert run("role", "anna", "--role", "dpo").returncode == 0
    assert re.search(r"anna .*dpo .*active", run("list").stdout)
    reset = run("reset", "anna", "--by", "kari")
    assert "Enrolment code:" in reset.stdout
    assert "people.account_reset" in reset.stderr
    assert run("sessions", "anna", "--end").returncode == 0


def test_an_account_is_linked_to_who_the_person_is_at_the_provider(run):
    assert run("create", "anna", "--name", "Anna", "--role", "lead").returncode == 0
    assert run("create", "kari", "--name", "Kari", "--role", "lead").returncode == 0
    refused = run("link", "anna", "--subject", "a-1")
    assert refused.returncode == 1
    assert "HUB_OPENID_ISSUER" in refused.stderr
    provider = {"HUB_OPENID_ISSUER": "https://id.example"}
    linked = run("link", "anna", "--subject", "a-1", **provider)
    assert linked.returncode == 0, linked.stderr
    assert "people.account_linked" in linked.stderr
    assert "another account" in run("link", "kari", "--subject", "a-1", **provider).stderr
    assert run("link", "kari", "--subject", "a-1", HUB_OPENID_ISSUER="https://other.example").returncode == 0
    assert "here alone" in run("link", "anna").stdout
    assert run("link", "kari", "--subject", "a-1", **provider).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("suspend", "nobody"), "no account"),
        (("create", "Bad Login", "--name", "x", "--role", "lead"), "login"),
        (("create", "x1", "--name", "x", "--role", "city_host"), "city"),
        (("create", "x2", "--name", "x", "--role", "city_host", "--city", "no-where"), "no-where"),
    ],
)
def test_what_does_not_fit_ends_with_one_and_says_why(run, arguments, why):
    refused = run(*arguments)
    assert refused.returncode == 1
    assert why in refused.stderr
    assert "Traceback" not in refused.stderr
