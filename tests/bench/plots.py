"""Plots of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.bench.result import NAMES, OTHERS, TITLES, Figures, Result, figures

COLOURS: Final = {"limit": "#6b7280", "hub": "#0f766e", "plain": "#b45309"}
_STYLE: Final = {
    "svg.hashsalt": "icorn-hub",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e5e7eb",
    "axes.axisbelow": True,
}


def draw(result: Result, folder: Path, *forms: str) -> None:
    """Draw every plot of a run, in each of the forms."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {"throughput": _throughput, "cpu": _cpu, "directory": _directory, "sizes": _sizes}
    with mpl.rc_context(_STYLE):
        for name, make in made.items():
            figure = make(result)
            if figure is None:
                continue
            for form in forms:
                # Without a date, the same numbers give the same file.
                metadata = {"Date": None} if form == "svg" else None
                figure.savefig(folder / f"{name}.{form}", metadata=metadata, dpi=150, bbox_inches="tight")


def _throughput(result: Result) -> Figure | None:
    return _by_cell(result, lambda found: found.throughput, "throughput, SQL by hand = 1")


def _cpu(result: Result) -> Figure | None:
    return _by_cell(result, lambda found: found.server_cpu, "server CPU for one request, SQL by hand = 1")


def _by_cell(result: Result, pick: Callable[[Figures], float], label: str) -> Figure | None:
    """Draw one group of bars for each operation and concurrency."""
    if not result.grid:
        return None
    figure = Figure(figsize=(9, 3.6))
    axes = figure.subplots()
    width = 0.38
    for place, server in enumerate(OTHERS):
        at = [number + (place - 0.5) * width for number in range(len(result.grid))]
        values = [pick(figures(cell, server)) for cell in result.grid]
        bars = axes.bar(at, values, width, color=COLOURS[server], label=NAMES[server])
        axes.bar_label(bars, [f"{value:.2g}" if value < 1 else f"{value:.3g}" for value in values], fontsize=6.5)
    axes.axhline(1, color=COLOURS["limit"], linewidth=1, label=NAMES["limit"])
    axes.set_xticks(range(len(result.grid)), [f"{cell.concurrency} at once" for cell in result.grid], fontsize=6.5)
    for case in dict.fromkeys(cell.case for cell in result.grid):
        at = [number for number, cell in enumerate(result.grid) if cell.case == case]
        axes.text(sum(at) / len(at), -0.1, TITLES[case], transform=axes.get_xaxis_transform(), ha="center", va="top")
    axes.set_yscale("log")
    _plain_numbers(axes.yaxis)
    axes.set_ylabel(label)
    axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def _directory(result: Result) -> Figure | None:
    if not result.directory:
        return None
    sizes = [int(cell.case.rsplit("_", 1)[1]) for cell in result.directory]
    figure = Figure(figsize=(5, 3.4))
    axes = figure.subplots()
    for server, name in NAMES.items():
        values = [cell.samples[server].server_us for cell in result.directory]
        axes.plot(sizes, values, marker="o", color=COLOURS[server], label=name)
    _label(axes, "cities in the directory", "server CPU for one request, us")
    axes.set_xticks(sizes)
    return figure


def _sizes(result: Result) -> Figure | None:
    if not result.sizes:
        return None
    rows = list(result.sizes)
    figure = Figure(figsize=(9, 3.4))
    cells = list(zip(*result.sizes.values(), strict=True))
    for axes, of_case in zip(figure.subplots(1, len(cells)), cells, strict=True):
        for server, name in NAMES.items():
            values = [cell.samples[server].server_us + cell.samples[server].database_us for cell in of_case]
            axes.plot(rows, values, marker="o", color=COLOURS[server], label=name)
        _label(axes, "rows in the database", "server and database CPU for one request, us")
        axes.set_xscale("log")
        axes.set_title(TITLES[of_case[0].case], fontsize=9)
    return figure


def _label(axes: Any, below: str, beside: str) -> None:
    axes.set_yscale("log")
    _plain_numbers(axes.yaxis)
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    axes.legend(frameon=False)


def _plain_numbers(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
