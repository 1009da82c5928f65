"""Facts: the csv files that come with the hub, read with care and loaded without loss.

Each file is loaded whole or not at all, and every bad row of it is named. Loading twice changes nothing.
"""

from hub.facts.load import FileReport, import_facts
from hub.facts.sheet import Refusal

__all__ = ["FileReport", "Refusal", "import_facts"]
