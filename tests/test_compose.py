"""docker-compose.yml says nothing that is not so: its commands, settings and stages are those of the checkout."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from typer.exceptions import TyperException

from hub.cli import load
from hub.settings import PartnerPlaces, Settings

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def understood(words):
    """Read a command of ours as it would be read, without doing it; give the name of what would be done."""
    command, rest = typer.main.get_command(load()), words
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(command.name, list(rest))
    return command.name


def test_hub_worker_database_and_a_sandbox_partner_are_there():
    assert {"hub", "worker", "database", "sandbox"} <= set(SERVICES)


@pytest.mark.parametrize("name", [name for name, each in OURS.items() if each["command"][0] == "icorn-hub"])
def test_each_command_of_the_hub_is_one_that_runs_by_hand(name):
    assert understood(OURS[name]["command"][1:]) in {"serve", "worker", "import", "add"}


def test_a_command_that_is_none_would_be_told():
    with pytest.raises(KeyError):
        understood(["worke"])
    with pytest.raises(TyperException, match="--netwrok"):
        understood(["partner", "add", "sar", "--netwrok", "icorn"])


def test_the_sandbox_is_started_as_by_hand():
    python, m, module, *options = SERVICES["sandbox"]["command"]
    assert (python, m, module) == ("python", "-m", "tests.sandbox")
    told = subprocess.run(
        [sys.executable, m, module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for option in options:
        assert f"{option.partition('=')[0]} " in told, option


def test_its_settings_are_settings_and_agree():
    read = {name: Settings.from_env(each["environment"]) for name, each in OURS.items() if "environment" in each}
    assert set(read) == {"facts", "hub", "worker", "register"}
    assert len(set(map(repr, read.values()))) == 1
    settings = read["hub"]
    assert settings.partner_places is PartnerPlaces.LOOPBACK
    database = SERVICES["database"]["environment"]
    account = f"{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}"
    assert settings.database_url == f"postgresql://{account}@database/{database['POSTGRES_DB']}"
    assert f"--hub={settings.base_url}" in SERVICES["sandbox"]["command"]
    issuer = SERVICES["register"]["command"][-1]
    assert f"--port={issuer.rpartition(':')[2]}" in SERVICES["sandbox"]["command"]


def test_stages_services_and_volumes_that_are_named_exist():
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert {each["build"]["target"] for each in OURS.values()} <= stages
    for name, each in SERVICES.items():
        assert set(each.get("depends_on", {})) <= set(SERVICES), name
        assert each.get("network_mode", "service:hub") == "service:hub", name
        assert {volume.partition(":")[0] for volume in each.get("volumes", [])} <= set(COMPOSE["volumes"]), name
    for copied in re.findall(r"^COPY (tests\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        assert (ROOT / copied).exists()
