"""Tables of a run: for the terminal and, as Markdown, for the documentation. Both show the same rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench.result import NAMES, OTHERS, TITLES, Result, figures
from tests.bench.rounds import Cell, Sample

_ALL: Final = tuple(NAMES)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. The first `left` columns are words, the others numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1


def sheets(result: Result) -> Iterator[Sheet]:
    """Give every table of a run that has rows."""
    found = (
        _throughput(result),
        _cost(result),
        _latency(result),
        _guarded(
            "With a token verified on each request; hub relative to SQL by hand with the same check", result.tokens
        ),
        _guarded("With a DPoP proof besides, as the hub demands, on both sides", result.proofs),
        _proof(result),
        _guarded("About persons: rules, consent, token, and a leaf of the audit, on both sides", result.persons),
        _directory(result),
        _sizes(result),
        _memory(result),
    )
    return (sheet for sheet in found if sheet.rows)


def show(result: Result, console: Console) -> None:
    """Print the tables."""
    for sheet in sheets(result):
        _show(sheet, console)
    console.print(f"{result.machine}; {result.seconds:.0f} s in all.")


def show_cells(cells: Sequence[Cell], console: Console) -> None:
    """Print some cells, the hub relative to SQL by hand."""
    _show(_guarded("The hub relative to SQL by hand", cells), console)


def _show(sheet: Sheet, console: Console) -> None:
    table = Table(title=sheet.title, title_justify="left")
    for number, head in enumerate(sheet.head):
        table.add_column(head, justify="left" if number < sheet.left else "right")
    for row in sheet.rows:
        table.add_row(*row)
    console.print(table)


def markdown(sheet: Sheet) -> str:
    """Write one table as Markdown, its title as a line above."""
    rule = ["---" if number < sheet.left else "--:" for number in range(len(sheet.head))]
    lines = [sheet.head, rule, *sheet.rows]
    return "\n".join([f"**{sheet.title}**", "", *("| " + " | ".join(line) + " |" for line in lines)])


def _throughput(result: Result) -> Sheet:
    rows = []
    for cell in result.grid:
        row = [TITLES[cell.case], str(cell.concurrency), f"{cell.samples['limit'].per_second:,.0f}"]
        for server in OTHERS:
            found = figures(cell, server)
            row += [f"{found.throughput:.2f}", _between(found.quartiles)]
        rows.append(row)
    head = ("operation", "at once", "by hand, 1/s", "hub", "half of the rounds", "plain", "half of the rounds")
    return Sheet(
        "Throughput; hub and plain Strawberry as a part of SQL by hand: median, and where half of the rounds lie",
        head,
        rows,
    )


def _cost(result: Result) -> Sheet:
    rows = []
    for cell in result.grid:
        limit = cell.samples["limit"]
        row = [TITLES[cell.case], str(cell.concurrency), f"{limit.server_us:,.0f}", f"{limit.database_us:,.0f}"]
        for server in OTHERS:
            found = figures(cell, server)
            row += [_times(found.server_cpu), _times(found.database_cpu)]
        rows.append(row)
    head = (
        *("operation", "at once", "by hand: server us", "database us"),
        *("hub: server", "database", "plain: server", "database"),
    )
    return Sheet("CPU for one request; hub and plain Strawberry relative to SQL by hand", head, rows)


def _latency(result: Result) -> Sheet:
    rows = [
        [TITLES[cell.case], str(cell.concurrency), *(_percentiles(cell.samples[server]) for server in _ALL)]
        for cell in result.grid
    ]
    head = ("operation", "at once", *NAMES.values())
    return Sheet("Time to the answer, ms: p50 / p99", head, rows)


def _guarded(title: str, cells: Sequence[Cell]) -> Sheet:
    rows = []
    for cell in cells:
        limit, found = cell.samples["limit"], figures(cell, "hub")
        row = [TITLES[cell.case], str(cell.concurrency), f"{limit.per_second:,.0f}", f"{found.throughput:.2f}"]
        row += [_between(found.quartiles), f"{limit.server_us:,.0f}", f"{limit.database_us:,.0f}"]
        rows.append([*row, _times(found.server_cpu), _times(found.database_cpu)])
    head = (
        *("operation", "at once", "by hand, 1/s", "hub", "half of the rounds"),
        *("by hand: server us", "database us", "hub: server", "database"),
    )
    return Sheet(title, head, rows)


def _proof(result: Result) -> Sheet:
    rows = []
    for without, proved in zip(result.tokens, result.proofs, strict=True):
        one, two = without.samples["hub"], proved.samples["hub"]
        row = [TITLES[without.case], str(without.concurrency), f"{two.server_us - one.server_us:,.0f}"]
        rows.append([*row, f"{two.database_us - one.database_us:,.0f}", f"{two.per_second / one.per_second:.2f}"])
    head = ("operation", "at once", "server us", "database us", "throughput with proof / without")
    return Sheet("What a DPoP proof costs the hub, for one request", head, rows)


def _directory(result: Result) -> Sheet:
    rows = [
        [cell.case.rsplit("_", 1)[1], f"{cell.samples['limit'].bytes_per_answer / 1000:,.0f}", *_sized(cell)]
        for cell in result.directory
    ]
    return Sheet("Directory by number of cities, 16 at once", ("cities", "kB", *_SIZED_HEAD), rows)


def _sizes(result: Result) -> Sheet:
    rows = [
        [TITLES[cell.case], f"{count:,}", *_sized(cell)]
        for case in range(2)
        for count, cells in result.sizes.items()
        for cell in cells[case : case + 1]
    ]
    return Sheet("By size of the database, 16 at once", ("operation", "rows", *_SIZED_HEAD), rows)


_SIZED_HEAD: Final = (
    *("server us: by hand", "hub", "plain"),
    *("database us: by hand", "hub", "plain"),
    *("throughput: hub", "plain"),
)


def _sized(cell: Cell) -> list[str]:
    return [
        *(f"{cell.samples[server].server_us:,.0f}" for server in _ALL),
        *(f"{cell.samples[server].database_us:,.0f}" for server in _ALL),
        *(f"{cell.ratio(server):.2f}" for server in OTHERS),
    ]


def _memory(result: Result) -> Sheet:
    row = [f"{result.memory_mb[server]:.0f}" for server in _ALL]
    return Sheet("Peak memory of the server process, MB", tuple(NAMES.values()), [row], left=0)


def _between(quartiles: tuple[float, float]) -> str:
    return "{:.2f} to {:.2f}".format(*quartiles)


def _percentiles(sample: Sample) -> str:
    return f"{_ms(sample.percentile(50))} / {_ms(sample.percentile(99))}"


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"  # three digits will do


def _times(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"  # as above
