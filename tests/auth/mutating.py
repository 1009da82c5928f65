"""A plugin of pytest that switches one check of the product off while its modules load; loaded by `mutants` alone."""

import importlib.abc
import importlib.machinery
import os
import sys

from tests.auth.mutants import MUTANTS

NAMED = os.environ["ICORN_MUTANT"]


class Mutating(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Finds the mutant's module, and loads it with the check off."""

    def __init__(self):
        self.mutant = next(mutant for mutant in MUTANTS if mutant.name == NAMED)

    def find_spec(self, fullname, path, target=None):
        if fullname != self.mutant.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        self.fullname, self.name, self.path = fullname, fullname, spec.origin
        spec.loader = self
        return spec

    def get_code(self, fullname):
        assert fullname == self.fullname
        return compile(self.mutant.applied(self.get_data(self.path).decode()), self.path, "exec", dont_inherit=True)


assert not any(name == mutant.module for mutant in MUTANTS if mutant.name == NAMED for name in sys.modules)
sys.meta_path.insert(0, Mutating())
