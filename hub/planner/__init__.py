"""The planner: a whole GraphQL operation in, one SQL statement with the access rules inside out.

document (parse, limits, validate) -> selection -> build -> weave -> lower -> sql -> bind; `explain` shows every stage.
It knows no web, no sessions and no clock.
"""

from hub.planner.bind import Asked
from hub.planner.limits import Limits
from hub.planner.planner import Planner
from hub.planner.refused import OperationRefused

__all__ = ["Asked", "Limits", "OperationRefused", "Planner"]
