"""The bench works: three servers start and answer every operation alike. How fast is not asked here."""

import json
import subprocess
import sys
from pathlib import Path

from matplotlib.image import imread

ROOT = Path(__file__).parents[2]


def test_three_servers_answer_every_operation_alike(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--smoke", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "limit, hub, plain answer alike" in done.stdout
    found = json.loads((tmp_path / "results.json").read_text())
    assert {cell["case"] for cell in found["grid"]} == {"city", "directory_50", "bodies", "events"}
    for cell in found["grid"]:
        assert all(sum(cell["samples"][server]["requests"]) > 0 for server in ("limit", "hub", "plain"))
    assert imread(tmp_path / "throughput.png").size > 0
