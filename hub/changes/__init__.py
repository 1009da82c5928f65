"""Changes: one mutation, from its field to a transaction and an outcome. What is shown of it is read by the planner."""

from hub.changes.machine import Attested, Change, Changes, Done, Service, sweep_keys
from hub.changes.outcome import Outcome

__all__ = ["Attested", "Change", "Changes", "Done", "Outcome", "Service", "sweep_keys"]
