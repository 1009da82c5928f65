import os
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path):
    def run(*arguments, **environ):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        environment |= {"PYTHONPATH": str(ROOT), "HUB_DATA_DIR": str(tmp_path / "data"), "HUB_LOG_LEVEL": "error"}
        command = [sys.executable, "-W", "error", "-c", "from hub.cli import main; main()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment | environ, check=False)

    return run


def test_a_new_operator_gets_a_filled_database_in_three_commands(run, tmp_path):
    made = run("init")
    assert (made.returncode, made.stderr) == (0, "")
    assert "The database is ready" in made.stdout
    loaded = run("import")
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


def test_a_setting_that_is_refused_ends_with_one_and_names_it(run):
    refused = run("init", HUB_PORT="eighty")
    assert refused.returncode == 1
    assert "HUB_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
