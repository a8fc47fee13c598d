"""Minimal reasons: which known facts already guarantee an outcome.

A set of known units guarantees it if no completion of that knowledge alone fails to have it. The
units in which a failing completion differs from the case are a conflict: every reason holds one
of them. So the reasons are the minimal sets that hit every conflict (Reiter, A theory of
diagnosis from first principles, 1987), and conflicts are asked of the solver only as the sets at
hand need them. The minimal sets that hit the conflicts met so far are kept, and extended by each
new one (Berge, Hypergraphs, 1989); one that hits them all is a reason.
"""

from collections.abc import Iterator, Sequence

from clingo.backend import HeuristicType

from engine.goals import Clause
from engine.inputs import Domain, places
from engine.program import Atom, GroundProgram
from engine.solver import (
    Budget,
    SolvingStoppedError,
    filling,
    limited_control,
    load,
    renumbered,
)

MOST_OPEN = 20_000
"""Sets that hit the conflicts met so far; beyond that, the search is given up."""


class Conflicts:
    """Finds completions that fail a goal and differ from a case in as few units as need be.

    As few: no subset would do, by clingo's domain heuristic. Were one not minimal, it would be a
    conflict all the same.
    """

    def __init__(
        self,
        program: GroundProgram,
        domains: Sequence[Domain],
        goal: Sequence[Clause],
        budget: Budget,
    ) -> None:
        self._domains = domains
        self._budget = budget
        self._control = limited_control("--heuristic=Domain")
        with filling(self._control) as backend:
            numbers = load(backend, program, {})
            self._differs = [backend.add_atom() for _ in domains]
            self._stated: dict[int, int] = {}
            for differs, domain in zip(self._differs, domains, strict=True):
                backend.add_rule([differs], choice=True)
                backend.add_heuristic(differs, HeuristicType.False_, 1, 1, [])
                for literal in (sign * atom for atom, _ in domain.atoms for sign in (1, -1)):
                    self._stated[literal] = stated = backend.add_atom()
                    backend.add_rule([stated], choice=True)
                    backend.add_rule([], [stated, -differs, *renumbered([-literal], numbers)])
            fails = backend.add_atom()
            for clause in goal:
                if not any(
                    (atom in program.facts) is holds for atom, holds in _fixed(clause, program)
                ):
                    open_atoms = (
                        (numbers[program.atoms[a]], h) for a, h in clause if a in program.atoms
                    )
                    backend.add_rule(
                        [fails], [-atom if holds else atom for atom, holds in open_atoms]
                    )
            impossible = program.possible("impossible")
            self._always = [fails, *(-numbers[program.atoms[atom]] for atom in impossible)]

    def minimal_reasons(self, base: Sequence[int], known: Sequence[int]) -> Iterator[int]:
        """Yield every minimal set of units that guarantees the goal, as bits, smallest first.

        `base` are the values that each domain has in the case. Units whose place in `known` is
        true may be reasons, and all other values of the case are given. Raises
        SolvingStoppedError at a limit.
        """
        assumptions = self._assumptions(base, known)
        open_sets = {0}
        found: set[int] = set()
        while open_sets:
            units = min(open_sets, key=lambda units: (units.bit_count(), units))
            conflict = self._ask(assumptions, units)
            if conflict is None:
                open_sets.remove(units)
                found.add(units)
                yield units
                continue
            missing = [units for units in open_sets if not units & conflict]
            open_sets.difference_update(missing)
            hitting = [*open_sets, *found]
            for units in missing:
                self._budget.check()
                for place in places(conflict):
                    grown = units | 1 << place
                    if not any(other & grown == other for other in hitting):
                        open_sets.add(grown)
                if len(open_sets) > MOST_OPEN:
                    raise SolvingStoppedError

    def _assumptions(self, base: Sequence[int], known: Sequence[int]) -> list[int]:
        """State the case, such that units of it may differ if they may be reasons."""
        assumptions = [*self._always]
        for place, (domain, values) in enumerate(zip(self._domains, base, strict=True)):
            assumptions.extend(self._stated[literal] for literal in domain.literals(values))
            if not known[place]:
                assumptions.append(-self._differs[place])
        return assumptions

    def some_reasons(self, base: Sequence[int], known: Sequence[int]) -> Iterator[int]:
        """Yield a minimal set for each unit to begin with, where there are too many to find all."""
        assumptions = self._assumptions(base, known)
        units = [place for place, values in enumerate(known) if values]
        for first in range(len(units)):
            needed = sum(1 << place for place in units)
            for place in (*units[first:], *units[:first]):
                if self._ask(assumptions, needed & ~(1 << place)) is None:
                    needed &= ~(1 << place)
            yield needed

    def _ask(self, assumptions: Sequence[int], units: int) -> int | None:
        """Return the units in which some failing completion differs, none of them among these."""
        self._budget.check()
        found: list[int] = []
        result = self._control.solve(
            assumptions=[*assumptions, *(-self._differs[place] for place in places(units))],
            on_model=lambda model: found.append(
                sum(1 << place for place, atom in enumerate(self._differs) if model.is_true(atom))
            ),
        )
        if result.satisfiable is None:
            raise SolvingStoppedError
        return found[0] if found else None


def _fixed(clause: Clause, program: GroundProgram) -> Iterator[tuple[Atom, bool]]:
    """Yield the atoms of a clause that hold in all completions or in none."""
    return ((atom, holds) for atom, holds in clause if atom not in program.atoms)
