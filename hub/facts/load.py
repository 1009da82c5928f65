"""Loading files in the order they need each other, each in one transaction: whole, or not at all."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy import Connection, Engine

from hub import log
from hub.errors import DataRejected
from hub.facts.loaders import LOADERS, Loader
from hub.facts.records import Tally, World, reconcile
from hub.facts.sheet import Refusal, Sheet, read_sheet


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. With a refusal, nothing of it was loaded."""

    file: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = field(default=())

    @property
    def refused(self) -> bool:
        """True when nothing of the file was loaded."""
        return bool(self.refusals)


def import_facts(
    engine: Engine,
    *,
    folder: Path | None = None,
    names: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
) -> list[FileReport]:
    """Load csv files: those named, or all that the folder holds; the hub's own folder when none is given.

    Args:
        engine: writes.
        folder: where the files are.
        names: names of files in the folder, in any order.
        progress: called with the name of each file when it is done.

    Returns:
        A report for each file, in the order of loading.

    Raises:
        DataRejected: a name is not of a file that the hub knows.
    """
    with as_file(files("hub.facts") / "csv") as own:
        folder = own if folder is None else folder
        reports = []
        for loader in _in_order(names or sorted(path.name for path in folder.glob("*.csv"))):
            report = _load_file(engine, loader, folder, own)
            _tell(report)
            reports.append(report)
            if progress is not None:
                progress(loader.file)
        return reports


def _in_order(names: Iterable[str]) -> list[Loader]:
    """Put the files into an order in which each finds what it needs."""
    names = list(names)
    for name in names:
        if name not in LOADERS:
            raise DataRejected("there is no loader for this file", file=name)
    order = TopologicalSorter({name: LOADERS[name].needs for name in LOADERS}).static_order()
    return [LOADERS[name] for name in order if name in names]


def _load_file(engine: Engine, loader: Loader, folder: Path, own: Path) -> FileReport:
    sheet = read_sheet(folder / loader.file, loader.columns, loader.key)
    if not sheet.whole:
        return _refused(sheet)
    beside = {other.file: _beside(other, folder, own) for other in loader.beside}
    tally = Tally()
    with engine.connect() as connection, connection.begin() as transaction:
        _load(connection, loader, sheet, beside, tally)
        if sheet.refusals:
            transaction.rollback()
            return _refused(sheet)
    return FileReport(loader.file, tally.added, tally.changed, tally.unchanged, tuple(tally.vanished))


def _load(connection: Connection, loader: Loader, sheet: Sheet, beside: dict[str, Sheet], tally: Tally) -> None:
    batches = loader.load(sheet, beside, World(connection))
    if not sheet.refusals:
        for batch in batches:
            reconcile(connection, batch, tally)


def _beside(loader: Loader, folder: Path, own: Path) -> Sheet:
    """Read a file that says more about the same rows: from the same folder, or else the hub's own."""
    path = folder / loader.file
    return read_sheet(path if path.exists() else own / loader.file, loader.columns, loader.key)


def _refused(sheet: Sheet) -> FileReport:
    return FileReport(sheet.file, refusals=tuple(sorted(set(sheet.refusals))))


def _tell(report: FileReport) -> None:
    if report.refused:
        log.logger().warning("facts.file_refused", file=report.file, refused=len(report.refusals))
        return
    log.logger().info(
        "facts.file_loaded",
        file=report.file,
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        vanished=len(report.vanished),
    )
