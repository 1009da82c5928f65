import shutil
from functools import partial
from importlib.resources import as_file, files

import commands
import pytest

from hub.cli import FILES, load


def test_a_command_loads_the_files_it_stands_in():
    told = load()
    found = {each.name or each.callback.__name__: {each.callback.__module__} for each in told.registered_commands}
    for group in told.registered_groups:
        found[group.name] = {each.callback.__module__ for each in group.typer_instance.registered_commands}
    assert found == {command: {f"hub.cli.{file}" for file in files} for command, files in FILES.items()}


@pytest.fixture
def settings(tmp_path):
    return {"HUB_DATA_DIR": str(tmp_path / "data"), "HUB_LOG_LEVEL": "error"}


@pytest.fixture
def run(settings):
    return partial(commands.typed, **settings)


def test_a_new_operator_gets_a_filled_database_in_three_commands(run, settings, tmp_path):
    made = commands.started("init", **settings)
    assert (made.returncode, made.stderr) == (0, "")
    assert "The database is ready" in made.stdout
    loaded = commands.started("import", **settings)
    assert loaded.returncode == 0, loaded.stderr
    assert "cities.csv" in loaded.stdout
    decorated = run("synthetic", "--decorate", "--seed", "3")
    assert decorated.returncode == 0, decorated.stderr
    assert "made-up rows written" in decorated.stdout
    cases = run("synthetic", "--cases", "5")
    assert cases.returncode == 0, cases.stderr
    wrapped = run("key", "rewrap")
    assert wrapped.stdout == "5 keys are wrapped under version 2.\n"
    assert not (tmp_path / "data" / "postgres" / "postmaster.pid").exists()


def test_an_import_with_a_refused_file_ends_with_one_and_says_why(run, tmp_path):
    with as_file(files("hub.facts") / "csv") as own:
        shutil.copytree(own, tmp_path / "csv")
    with (tmp_path / "csv" / "sources.csv").open("a") as source:
        source.write("S1,again,again\n")
    loaded = run("import", "--from", str(tmp_path / "csv"), "sources.csv")
    assert loaded.returncode == 1
    assert "sources.csv:126: code: 'S1' is in line 2 already" in loaded.stderr


def test_a_setting_that_is_refused_ends_with_one_and_names_it(settings):
    refused = commands.started("init", **settings, HUB_PORT="eighty")
    assert refused.returncode == 1
    assert "HUB_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
