"""What operators type: in a process of its own, as in a terminal, or in the test's own, which has imported the hub."""

import gc
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from hub import log
from hub.cli import main

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-W", "error", "-c", "from hub.cli import main; main()"]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of an operator: what is there, without settings of the hub, and these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "160", **settings}


def started(*arguments: str, folder: Path = ROOT, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process. It takes seconds of nothing but imports: once for each family will do."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, env=environment(settings), check=False
    )


def typed(*arguments: str, folder: Path = ROOT, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command here, by the function that the entry point calls; what it does not answer for is raised."""
    code, out, err = 0, io.StringIO(), io.StringIO()
    try:
        with (
            patch.dict(os.environ, environment(settings), clear=True),
            patch.object(sys, "excepthook", sys.excepthook),
            patch.object(gc, "freeze"),  # this process goes on after the command
            chdir(folder),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        log.configure(strict=True, level="warning")  # the command has set it up for itself
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
