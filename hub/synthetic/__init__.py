"""Made-up data, marked as such: certainty `synthetic`, source SYN, `(made up)` in every name that is shown.

`decorate` completes the real members for a demonstration; `populate` fills a database of its own with a made-up
network of any size, for the bench and for tests; `add_cases` makes up persons with their cases, sealed as real ones
are. The same seed makes the same rows, ids included.
"""

from hub.synthetic.casework import add_cases
from hub.synthetic.decorate import decorate
from hub.synthetic.populate import generate, populate

__all__ = ["add_cases", "decorate", "generate", "populate"]
