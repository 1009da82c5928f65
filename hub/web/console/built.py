"""The built files of the console: which there are, in which encodings, and what the page has to name.

Names carry a hash of what is in them, so browsers keep them for good. Each file lies there as it is and, where that is
smaller, as gzip and brotli; nothing is compressed while somebody waits.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from hub.errors import HubError

FOLDER: Final = Path(__file__).parent / "built"
ENTRY: Final = "src/main.ts"
_SOON: Final = ("start", "monaco-editor", "lite")
"""Chunks that are needed at once, but named only by chunks that have to come first."""
_MEDIA: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".ttf": "font/ttf"}
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))

Manifest = Mapping[str, Mapping[str, Any]]  # Any: texts and lists of texts


class NotBuilt(HubError):
    """The console's files are not there."""

    code = "console_not_built"
    public = "The console has not been built on this machine. Run `make console`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file, and the forms in which it can be sent."""

    path: Path
    media: str
    encodings: Mapping[str, Path]

    def best(self, accepted: str) -> tuple[str | None, Path]:
        """Choose a form.

        Args:
            accepted: the header Accept-Encoding.

        Returns:
            the encoding, None for the file as it is, and where that form is.
        """
        taken = set(_taken(accepted))
        for encoding, path in self.encodings.items():
            if encoding in taken:
                return encoding, path
        return None, self.path


class Built:
    """What a build left."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Take the folder; it is looked into when first asked."""
        self._folder = folder

    @cached_property
    def assets(self) -> Mapping[str, Asset]:
        """All files by name. Only these names are served, so no path can lead elsewhere."""
        found = {}
        for path in sorted((self._folder / "assets").glob("*")):
            media = _MEDIA.get(path.suffix)
            if media is not None:
                forms = ((name, path.with_name(path.name + ending)) for name, ending in _ENCODINGS)
                encodings = {name: form for name, form in forms if form.is_file()}
                found[path.name] = Asset(path=path, media=media, encodings=encodings)
        return found

    @cached_property
    def script(self) -> str:
        """The script the page begins with.

        Raises:
            NotBuilt: there was no build.
        """
        return str(self._manifest[ENTRY]["file"])

    @cached_property
    def styles(self) -> list[str]:
        """The style sheets the page begins with.

        Raises:
            NotBuilt: there was no build.
        """
        return list(self._manifest[ENTRY].get("css", ()))

    @cached_property
    def preloads(self) -> list[str]:
        """Scripts that are wanted soon, so that the browser fetches them at once.

        Raises:
            NotBuilt: there was no build.
        """
        soon = [key for key, chunk in self._manifest.items() if chunk.get("name") in _SOON and key != ENTRY]
        files = (self._manifest[key]["file"] for key in _with_imports(self._manifest, soon) if key != ENTRY)
        return sorted(file for file in files if file.endswith(".js"))

    @cached_property
    def _manifest(self) -> Manifest:
        try:
            manifest: Manifest = json.loads((self._folder / "manifest.json").read_bytes())
        except FileNotFoundError:
            raise NotBuilt from None
        return manifest


def _with_imports(manifest: Manifest, keys: list[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += manifest[key].get("imports", ())
    return found


def _taken(accepted: str) -> Iterator[str]:
    """Name the encodings a browser takes; those with weight 0 it does not."""
    for part in accepted.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        weights = [each.partition("=")[2].strip() for each in parameters if each.startswith("q")]
        if not any(weight and not weight.strip("0.") for weight in weights):
            yield name
