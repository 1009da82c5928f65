"""Commands about data: make the database, import facts, make up a network."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hub.auth.root import RootKey
from hub.cli.base import app, bar, err, opened, out, read_settings
from hub.clock import SystemClock
from hub.facts import FileReport, import_facts
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.synthetic import add_cases, decorate, populate


@app.command()
def init() -> None:
    """Make the database, its tables and the root key, or bring the tables up to date."""
    settings = read_settings()
    RootKey.load(settings.root_key)
    with opened(settings, makes=True):
        where = "embedded, in " + str(settings.data_dir.resolve()) if settings.embedded else "as HUB_DATABASE_URL says"
        out.print(f"The database is ready ({where}).", highlight=False)


@app.command("import")
def import_(
    files: Annotated[list[str] | None, typer.Argument(help="Names of files; all when none is given.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", exists=True, file_okay=False, help="Folder of the files; the hub's own when absent."),
    ] = None,
) -> None:
    """Load csv files of facts. A file with a bad row is refused whole; loading twice changes nothing."""
    with opened(read_settings()) as database, bar() as progress:
        task = progress.add_task("facts", total=None)
        engine = database.engine()
        try:
            reports = import_facts(
                engine,
                folder=source,
                names=files or (),
                progress=lambda name: progress.update(task, advance=1, description=name),
            )
        finally:
            engine.dispose()
    _show(reports)
    if any(report.refused for report in reports):
        raise typer.Exit(1)


@app.command()
def synthetic(
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same rows.")] = 1,
    scale: Annotated[int, typer.Option(min=100, max=20_000_000, help="About how many rows.")] = 10_000,
    onto_members: Annotated[
        bool, typer.Option("--decorate", help="Complete the real members in place of making up a network.")
    ] = False,
    cases: Annotated[
        int, typer.Option(min=0, max=100_000, help="Make up so many persons with their cases, and nothing else.")
    ] = 0,
) -> None:
    """Make up data, marked as such, for demonstrations and measurements. Not for a database in use."""
    today = SystemClock().now().date()
    settings = read_settings()
    with opened(settings) as database, bar() as progress:
        if cases:
            engine = database.engine()
            vault = Vault(Sealing(RootKey.load(settings.root_key).derive))
            task = progress.add_task("cases", total=cases)
            try:
                written = add_cases(
                    engine,
                    vault,
                    seed=seed,
                    count=cases,
                    today=today,
                    progress=lambda count: progress.update(task, advance=count),
                )
            finally:
                engine.dispose()
        elif onto_members:
            engine = database.engine()
            try:
                written = decorate(engine, seed=seed, today=today)
            finally:
                engine.dispose()
        else:
            task = progress.add_task("rows", total=scale)
            written = populate(
                database.conninfo,
                seed=seed,
                scale=scale,
                progress=lambda table, count: progress.update(task, advance=count, description=table),
            )
            progress.update(task, total=sum(written.values()))
    out.print(f"{sum(written.values())} made-up rows written.", highlight=False)


def _show(reports: list[FileReport]) -> None:
    table = Table("file", "added", "changed", "unchanged", "vanished", "refused")
    for report in reports:
        counts = (report.added, report.changed, report.unchanged, len(report.vanished), len(report.refusals))
        table.add_row(report.file, *map(str, counts))
    out.print(table)
    for report in reports:
        for refusal in report.refusals:
            err.print(str(refusal), style="red", markup=False, highlight=False, soft_wrap=True)
        for vanished in report.vanished:
            err.print(
                f"{report.file}: {vanished} is stored but no longer in the file",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
