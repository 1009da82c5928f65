"""Cases for oracle and planner: a world, a document over any shape of the graph, and one to four requests for it.

Everything is drawn, so that Hypothesis can make a case smaller.
"""

from collections.abc import Sequence

from arena import Case, Stage
from dice import Dice
from hypothesis import strategies as st
from hypothesis.control import current_build_context
from pool import Pool
from writer import MISCHIEF, Writer


def cases(stages: Sequence[Stage]) -> st.SearchStrategy[Case]:
    """Draw cases that are asked of these worlds."""
    pools = [Pool(stage, index) for index, stage in enumerate(stages)]

    def case() -> Case:
        dice = Dice(current_build_context().data)
        pool = dice.pick(pools[::-1])
        mischief = dice.pick(MISCHIEF) if dice.chance(9) else None
        writer = Writer(dice, pool, mischief)
        document, operation = writer.document()
        questions = tuple(writer.question() for _ in range(dice.pick((1, 2, 2, 3, 4))))
        return Case(document, operation, questions, pool.index, frozenset(writer.shapes))

    return st.builds(case)
