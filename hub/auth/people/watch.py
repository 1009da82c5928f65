"""What the operators' log is told about people: that something happened, to whom only under a keyed hash."""

from uuid import UUID

from hub.auth.people.sealing import Sealer
from hub.log import logger

_HASH_LETTERS = 16


class Watch:
    """Tells the operators' log."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def tell(self, event: str, account_id: UUID, **facts: object) -> None:
        """Write that something happened to an account."""
        logger().info(event, account=self.account(account_id), **facts)

    def warn(self, event: str, **facts: object) -> None:
        """Write that something happened which somebody should look at."""
        logger().warning(event, **facts)

    def account(self, account_id: UUID) -> str:
        """Give the name of an account in the log."""
        return self._sealer.mac(str(account_id), kind="log").hex()[:_HASH_LETTERS]
