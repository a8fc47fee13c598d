"""What an answer depends on: the unknown facts that matter, and the facts that clash.

Both are questions about minimal sets, asked of clingo. Every set it returns is checked before it
is used: its enumeration of minimal sets silently degrades under other solver options.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import TypeVar

import clingo
from clingo.backend import HeuristicType

from engine.inputs import Inputs, Unit
from engine.program import GroundProgram
from engine.solver import (
    Budget,
    Solver,
    SolvingStoppedError,
    filling,
    limited_control,
    load,
    renumbered,
)

MOST_SETS = 1_000
"""Minimal sets looked at for one question; the packaged policies have below a hundred."""

Name = TypeVar("Name", bound=Hashable)


class Dependence:
    """Two completions of one case side by side, told apart by the facts in which they differ.

    A fact matters if it belongs to a minimal set of facts in which two contradiction-free
    completions of the case with different answers differ. For facts that no contradiction ties
    together these sets have one member: the fact alone can move the answer.
    """

    def __init__(self, program: GroundProgram, inputs: Inputs, budget: Budget) -> None:
        self._budget = budget
        self._control = limited_control("--heuristic=Domain", "--enum-mode=domRec")
        self._differs: dict[Unit, int] = {}
        with filling(self._control) as backend:
            self._copies = (load(backend, program, {}), load(backend, program, {}))
            for domain in inputs.domains:
                differs = backend.add_atom()
                backend.add_rule([differs], choice=True)
                backend.add_heuristic(differs, HeuristicType.False_, 1, 1, [])
                for one, other in self._pairs([atom for atom, _ in domain.atoms]):
                    backend.add_rule([], [one, -other, -differs])
                self._differs[domain.unit] = differs
            self._apart = {
                asked: self._add_apart(backend, program, asked) for asked in ("outcome", "answer")
            }

    def _pairs(self, atoms: Sequence[int]) -> list[tuple[int, int]]:
        first, second = self._copies
        return [
            pair
            for atom in atoms
            for pair in ((first[atom], second[atom]), (second[atom], first[atom]))
        ]

    def _add_apart(self, backend: clingo.Backend, program: GroundProgram, predicate: str) -> int:
        """Add an atom that holds if the completions differ in atoms of the predicate."""
        apart = backend.add_atom()
        for atom, number in program.atoms.items():
            if atom[0] == predicate:
                for one, other in self._pairs([number]):
                    backend.add_rule([apart], [one, -other])
        return apart

    def matter(self, assumptions: Sequence[int], asked: str) -> frozenset[Unit]:
        """Return the units that matter to the outcome ("outcome") or to its parts ("answer").

        Raises SolvingStoppedError if the solver gave up, if there are more than a thousand minimal
        sets, or if one it returned is not minimal or does not cover what can differ.
        """
        both = (renumbered(assumptions, copy) for copy in self._copies)
        base = [*chain.from_iterable(both), self._apart[asked]]
        found: list[frozenset[Unit]] = []

        def keep(model: clingo.Model) -> bool:
            differing = (unit for unit, atom in self._differs.items() if model.is_true(atom))
            found.append(frozenset(differing))
            return len(found) <= MOST_SETS

        if not self._solve(base, 0, keep).exhausted:
            raise SolvingStoppedError
        matter = frozenset[Unit]().union(*found)
        self._verify(base, found, matter)
        return matter

    def _verify(
        self, base: Sequence[int], found: Sequence[frozenset[Unit]], matter: frozenset[Unit]
    ) -> None:
        """Check that each set found is minimal, and that nothing outside all of them matters."""
        for differing in found:
            for spared in differing if len(differing) > 1 else ():
                if self._can_differ_in(base, differing - {spared}):
                    raise SolvingStoppedError
        if self._can_differ_in(base, self._differs.keys() - matter):
            raise SolvingStoppedError

    def _can_differ_in(self, base: Sequence[int], units: frozenset[Unit] | set[Unit]) -> bool:
        others = [-atom for unit, atom in self._differs.items() if unit not in units]
        satisfiable = self._solve([*base, *others], 1).satisfiable
        if satisfiable is None:
            raise SolvingStoppedError
        return satisfiable

    def _solve(
        self,
        assumptions: Sequence[int],
        models: int,
        on_model: Callable[[clingo.Model], bool] | None = None,
    ) -> clingo.SolveResult:
        self._budget.check()
        self._control.configuration.solve.models = models  # type: ignore[union-attr]
        return self._control.solve(assumptions=list(assumptions), on_model=on_model)


def minimal_conflict(
    solver: Solver, base: Sequence[int], groups: Sequence[tuple[Name, Sequence[int]]]
) -> tuple[Name, ...] | None:
    """Return the names of a minimal set of groups that have no completion together, or None.

    An unsatisfiable core need not be minimal, so each group is left out in turn.
    """

    def satisfiable(chosen: Sequence[tuple[Name, Sequence[int]]]) -> bool:
        return solver.satisfiable([*base, *(literal for _, group in chosen for literal in group)])

    if satisfiable(groups):
        return None
    kept = list(groups)
    for group in groups:
        rest = [other for other in kept if other is not group]
        if not satisfiable(rest):
            kept = rest
    return tuple(name for name, _ in kept)
