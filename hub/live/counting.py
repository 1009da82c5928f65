"""How many there are at once, in all and of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hub.live.errors import TooManyStreams


class Places:
    """So many places, and so many for each."""

    def __init__(self, most: int, most_each: int) -> None:
        self.most_each: Final = most_each
        self._most: Final = most
        self._taken: Final[dict[str, int]] = {}

    @contextmanager
    def one_of(self, who: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            TooManyStreams: none is left.
        """
        mine = self._taken.get(who, 0)
        if mine >= self.most_each or sum(self._taken.values()) >= self._most:
            raise TooManyStreams
        self._taken[who] = mine + 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
