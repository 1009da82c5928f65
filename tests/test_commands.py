import fcntl
import re
import shutil
import socket
from contextlib import closing
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
    assert run("init").returncode == 0
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


@pytest.mark.parametrize(
    "command",
    [
        ("client", "list"),
        ("user", "list"),
        ("key", "rewrap"),
        ("partner", "list"),
        ("import",),
        ("body", "restore", "sar"),
    ],
)
def test_a_folder_without_a_hub_is_told_and_left_as_it_is(run, tmp_path, command):
    refused = run(*command)
    assert refused.returncode == 1
    assert f"there is no hub in {tmp_path / 'data'}" in refused.stderr
    assert "export HUB_DATA_DIR=" in refused.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_port_that_is_taken_is_told_before_anything_is_made(run, tmp_path, command):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        refused = run(command, HUB_PORT=str(port))
    assert refused.returncode == 1
    assert re.search(rf"port {port} is in use: HUB_PORT=\d+ (make demo|icorn-hub serve)", refused.stderr)
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_folder_has_one_demonstration_and_the_second_changes_nothing(run, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "demo.json").write_text("{}")
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = run("demo", HUB_PORT="0")
    assert refused.returncode == 1
    assert f"a demonstration runs over {folder} already" in refused.stderr
    assert "HUB_DATA_DIR=" in refused.stderr
    assert (folder / "demo.json").read_text() == "{}"
    assert {each.name for each in folder.iterdir()} == {"demo.json", "demo.lock"}
