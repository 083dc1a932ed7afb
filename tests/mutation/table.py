"""Mutates the referral's state table row by row, in memory, and says which mutants no test notices.

    python -m tests.mutation.table             # every mutant
    python -m tests.mutation.table --sample 300 --seed 7

The tests are the cases of `tests/unit/referral/table`, run in this process: of the mutated row's command
first, then all others. Exit status 1 when a mutant survives.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from services.referral.domain import transition_lookup as lookup
from services.referral.domain.transitions import TABLE
from tests.mutation.mutants import Mutant, Table, mutants
from tests.unit.referral.table.cases import Case
from tests.unit.referral.table.every_case import every_case

#: What `transition_lookup` makes of the table; others hold these same objects.
_DERIVED = {
    "ROWS": lookup._rows_by_command,
    "ROW_IN": lookup._row_by_state,
    "_OUTCOMES": lookup._outcomes,
    "_EVENTS": lambda: lookup._both(lookup._events),
    "_ALLOWED": lambda: lookup._both(lookup._allowed),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of one mutant."""

    mutant: Mutant
    #: the first case that failed, or why the table refused itself; None for a survivor
    noticed_by: str | None


@contextmanager
def in_force(table: Table) -> Iterator[None]:
    """The service's rules are those of another table for the time of the block.

    Raises ValueError when the table contradicts itself: the service would not start.
    """
    before = {name: dict(getattr(lookup, name)) for name in _DERIVED}
    known = lookup.TABLE, lookup.COMMANDS
    try:
        lookup.TABLE = table
        lookup.COMMANDS = tuple(dict.fromkeys(row.command for row in table))
        made = {name: make() for name, make in _DERIVED.items()}
        _put(made)
        yield
    finally:
        lookup.TABLE, lookup.COMMANDS = known
        _put(before)


def _put(derived: dict[str, dict]) -> None:  # type: ignore[type-arg]
    for name, value in derived.items():
        held = getattr(lookup, name)
        held.clear()
        held.update(value)


def judge(mutant: Mutant, cases: list[Case]) -> Verdict:
    """Runs the cases until one fails. That one goes to the front: the next mutant is much like this one."""
    try:
        with in_force(mutant.table):
            for place, case in enumerate(cases):
                try:
                    case.run()
                except Exception:  # an assertion, or whatever a broken table leads to
                    cases.insert(0, cases.pop(place))
                    return Verdict(mutant=mutant, noticed_by=str(case))
    except ValueError as contradiction:
        return Verdict(mutant=mutant, noticed_by=str(contradiction))
    return Verdict(mutant=mutant, noticed_by=None)


@cache
def _sound() -> tuple[Case, ...]:
    """The cases, which hold on the table as it is."""
    for case in every_case():
        case.run()
    return every_case()


def survivors(chosen: Iterable[Mutant]) -> list[Mutant]:
    """The mutants that no case notices. Raises AssertionError when a case fails on the table itself."""
    every = _sound()
    left: list[Mutant] = []
    for command, group in groupby(sorted(chosen, key=lambda each: each.number), lambda each: each.command):
        own = [case for case in every if case.command == command]
        cases = [*own, *(case for case in every if case.command != command)]
        left.extend(mutant for mutant in group if judge(mutant, cases).noticed_by is None)
    return left


def sampled(count: int, seed: int) -> list[Mutant]:
    """So many mutants, drawn by a seed; all of them when there are no more."""
    every = list(mutants(TABLE))
    return every if count >= len(every) else random.Random(seed).sample(every, count)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.table", description=__doc__)
    parser.add_argument("--sample", type=int, default=sys.maxsize, help="how many mutants; all by default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    begun_s = time.monotonic()
    chosen = sampled(options.sample, options.seed)
    left = survivors(chosen)
    for mutant in left:
        print(f"SURVIVED  {mutant}")
    took_s = time.monotonic() - begun_s
    print(f"{len(TABLE)} rows, {len(chosen)} mutants, {len(left)} survivors, {took_s:.1f} s")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
