"""What stands before the graph where a test is not about who asks: everybody is a stranger, and may ask at will."""

import time
from typing import Any

from hub.auth.resource import Unauthorized
from hub.operations import Operations
from hub.web.graphql import GraphQLEndpoint
from hub.web.rates import Allowance, Rates
from schema.access import ANONYMOUS, AccessProfile


class Strangers:
    """A door that asks nobody."""

    async def profile(self, _method: str, _headers: dict[bytes, bytes]) -> AccessProfile:
        return ANONYMOUS

    def denied(self) -> Unauthorized:
        return Unauthorized("invalid_token", "")


def open_endpoint(operations: Operations, **settings: Any) -> GraphQLEndpoint:
    """Build the endpoint for strangers."""
    rates = Rates(Allowance(cost=10**9, seconds=1, at_once=10**6), time.monotonic)
    return GraphQLEndpoint(operations, door=Strangers(), rates=rates, address=lambda _scope: "", **settings)
