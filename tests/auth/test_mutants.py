"""The mutants are mutants of what is there. That they are caught takes minutes: `python -m tests.auth.mutants`."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.auth.mutants import MUTANTS

HERE = Path(__file__).parent


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_is_one_changed_check_of_a_module(mutant):
    text = Path(find_spec(mutant.module).origin).read_text()
    assert all(old != new for old, new in mutant.changes)
    compile(mutant.applied(text), mutant.module, "exec")
    assert (HERE / mutant.file).exists()


def test_every_mutant_has_a_name_of_its_own():
    assert [name for name, times in Counter(mutant.name for mutant in MUTANTS).items() if times > 1] == []
