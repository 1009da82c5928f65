"""Files for their owner's eyes only."""

import os
from pathlib import Path
from typing import Final

_MODE: Final = 0o600


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else may read; whoever reads it meanwhile reads the old text or the new, whole."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)
