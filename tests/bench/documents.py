"""A run written down: everything as JSON, and the measured part of docs/performance.md."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.bench.result import Result
from tests.bench.rounds import Cell
from tests.bench.tables import markdown, sheets

BEGIN: Final = "<!-- measured: begin (python -m tests.bench --docs) -->"
END: Final = "<!-- measured: end -->"


def write_json(result: Result, path: Path) -> None:
    """Write every slice of every cell, for whoever wants to work it out again."""
    found = {
        "began": result.began.isoformat(timespec="seconds"),
        "seconds": round(result.seconds, 1),
        "machine": result.machine,
        "plan": asdict(result.plan),
        "grid": [_cell(cell) for cell in result.grid],
        "directory": [_cell(cell) for cell in result.directory],
        "tokens": [_cell(cell) for cell in result.tokens],
        "proofs": [_cell(cell) for cell in result.proofs],
        "persons": [_cell(cell) for cell in result.persons],
        "sizes": {rows: [_cell(cell) for cell in cells] for rows, cells in result.sizes.items()},
        "memory_mb": result.memory_mb,
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _cell(cell: Cell) -> dict[str, Any]:
    samples = {}
    for server, sample in cell.samples.items():
        samples[server] = asdict(sample) | {
            "microseconds": {f"p{percent}": sample.percentile(percent) * 1000 for percent in (50, 90, 99)}
        }
    return {"case": cell.case, "concurrency": cell.concurrency, "samples": samples}


def write_markdown(result: Result, path: Path) -> None:
    """Replace what stands between the two marks."""
    text = path.read_text(encoding="utf-8")
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert mark, f"{path} lacks the mark {BEGIN}"
    assert end, f"{path} lacks the mark {END}"
    minutes = result.seconds / 60
    measured = "\n\n".join(
        [
            f"Measured on {result.began:%Y-%m-%d} in {minutes:.0f} minutes: {result.machine}.",
            *(markdown(sheet) for sheet in sheets(result)),
        ]
    )
    path.write_text(f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}", encoding="utf-8")
