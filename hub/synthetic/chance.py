"""Chance from a seed: ids, names and dates that come out the same each time."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Final, TypeVar
from uuid import UUID

from schema.vocabulary import Certainty

T = TypeVar("T")
SOURCE: Final = "SYN"
MARK: Final = "(made up)"
LANGUAGES: Final = ("en", "fr", "es", "ar", "fa", "nb", "sv", "de", "pl", "ckb", "uk", "pt-BR")
_STARTS: Final = ("Al", "Bre", "Cor", "Dal", "Es", "Fen", "Gal", "Hel", "Il", "Jor", "Kel", "Lu", "Mar", "Nor", "Ol")
_MIDDLES: Final = ("a", "da", "ve", "ri", "lo", "mi", "ru", "se", "ta", "vo", "ne", "ka")
_ENDS: Final = ("nd", "ra", "th", "lis", "mar", "nia", "ro", "sk", "ten", "va", "wen", "zo")


class Chance(Random):
    """A source of chance with a name, so that more rows of one table do not shift those of another."""

    def __init__(self, seed: int, *names: object) -> None:
        super().__init__(":".join(map(str, (seed, *names))))

    def uuid(self) -> UUID:
        """Make an id as random as any UUIDv4, and the same for the same seed."""
        return UUID(int=self.getrandbits(128), version=4)

    def word(self) -> str:
        """Make a name that nobody has."""
        middle = "".join(self.choice(_MIDDLES) for _ in range(self.randint(0, 2)))
        return self.choice(_STARTS) + middle + self.choice(_ENDS)

    def name(self) -> str:
        """Make a name to be shown."""
        return f"{self.word()} {MARK}"

    def person(self) -> str:
        """Make a person's name to be shown."""
        return f"{self.word()} {self.word()} {MARK}"

    def some(self, values: Sequence[T], most: int, least: int = 0) -> list[T]:
        """Choose several, in the order they stand in."""
        chosen = set(self.sample(range(len(values)), self.randint(least, min(most, len(values)))))
        return [value for index, value in enumerate(values) if index in chosen]

    def maybe(self, likely: float, value: T) -> T | None:
        """Give the value, or with the rest of the chance None."""
        return value if self.random() < likely else None

    def day(self, around: date, *, before: int, after: int) -> date:
        """Choose a day near another, by days before and after."""
        return around + timedelta(days=self.randint(-before, after))

    def first_of_month(self, around: date, *, after: int) -> date:
        """Choose a first of a month to come: places are announced by month."""
        return self.day(around, before=0, after=after).replace(day=1)


def marked() -> dict[str, object]:
    """Give what every made-up fact carries."""
    return {"certainty": Certainty.SYNTHETIC, "sources": [SOURCE]}
