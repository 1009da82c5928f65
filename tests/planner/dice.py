"""Choices of a case: drawn so that Hypothesis can make a case smaller, and so that cases differ."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from hypothesis.internal.conjecture.data import ConjectureData

T = TypeVar("T")


@dataclass(slots=True)
class Dice:
    """Choices, drawn so that the first of each is the simplest.

    They are drawn from Hypothesis' own source of choices: a strategy for each would take three times as long, and since
    all would look alike to it, five cases of six would be an earlier case with some of its choices swapped.
    """

    source: ConjectureData
    parts: int = 0

    def number(self, low: int, high: int) -> int:
        return self.source.draw_integer(low, high, shrink_towards=low) if high > low else low

    @contextmanager
    def part(self) -> Iterator[None]:
        """Draw what may be left out as a whole when a case is made smaller."""
        self.parts += 1
        self.source.start_span(self.parts)
        yield
        self.source.stop_span()

    def pick(self, several: Sequence[T]) -> T:
        return several[self.number(0, len(several) - 1)]

    def chance(self, percent: int) -> bool:
        return self.number(0, 99) >= 100 - percent

    def some(self, several: Sequence[T], most: int) -> list[T]:
        """Pick some without repeating."""
        left = list(several)
        count = self.number(1, min(most, len(left))) if left and self.chance(90) else 0
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]
