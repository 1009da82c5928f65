"""Builds the console when the hub is installed or packed. What is done, and when nothing has to be: its `build.py`."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface):
    """Runs before a wheel is packed and before an editable install."""

    def dependencies(self) -> list[str]:
        """Ask for node from PyPI where the machine has none that will do, and there is something to build."""
        build = _build(self.root)
        return [] if build.fresh() or build.npm() else [build.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # as hatchling calls it
        """Build the console where it has to be."""
        build = _build(self.root)
        try:
            self.app.display_info(build.build())
        except build.NotBuilt as error:
            self.app.abort(str(error))


def _build(root: str) -> ModuleType:
    path = Path(root) / "hub" / "web" / "console" / "source" / "build.py"
    spec = importlib.util.spec_from_file_location("console_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
