"""Ask more than the suite does: `python -m tests.planner.long --cases 80000 --seed 7`, also without pytest's patience.

Each case is a document asked one to four times. The seed chooses worlds and cases; without one it is new each time.
"""

import argparse
import os
import secrets
import sys
from pathlib import Path

import pytest


def main() -> int:
    """Run the comparison and give pytest's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.planner.long", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="documents to make")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="worlds and cases follow from it"
    )
    asked = parser.parse_args()
    os.environ |= {"ORACLE_CASES": str(asked.cases), "ORACLE_SEED": str(asked.seed)}
    print(f"{asked.cases} documents, seed {asked.seed}", flush=True)  # noqa: T201  # to run it again
    test = Path(__file__).with_name("test_oracle.py")
    return pytest.main([f"{test}::test_the_planner_answers_as_the_oracle_does", "-s", "-q", "-p", "no:cacheprovider"])


if __name__ == "__main__":
    sys.exit(main())
