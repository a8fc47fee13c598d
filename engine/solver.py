"""A solver for one version of a policy: grounded once, asked by assumptions.

Facts become assumptions on the atoms that complete a case; what is left open the solver completes.
A control is not safe to share between threads, so neither is a solver.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import clingo

from engine.program import Atom, GroundProgram
from facts.errors import PolicygroundsError

CONFLICT_LIMIT = 20_000
"""A search that meets this many conflicts is given up; the packaged policies meet a few dozen."""
SECONDS_FOR_A_CASE = 10.0
"""The packaged policies take a hundredth of one."""

CONSTANT = 2**31 - 1
"""The number of an atom that is always true, in place of the one that the program left out."""
DERIVED = frozenset({"met", "applies", "approves", "approved", "answer", "states", "advises"})
"""The predicates a determination reads; the rest are facts, or steps on the way."""


class SolvingStoppedError(PolicygroundsError):
    """The solver gave no answer: a limit was hit, or it was interrupted."""

    def __init__(self) -> None:
        super().__init__("the solver gave no answer within its limits")


FAILURES = (SolvingStoppedError, RuntimeError, MemoryError)
"""What ends a search: this project's own error, and what clingo's library and Python raise."""


class Budget:
    """The time that all searches for one answer may take together, looked at before each."""

    def __init__(self) -> None:
        self._end = 0.0
        self.renew()

    def renew(self, seconds: float | None = None) -> None:
        """Begin anew, for another answer, or for a part of one that may take so many seconds."""
        self._end = time.monotonic() + (SECONDS_FOR_A_CASE if seconds is None else seconds)

    def check(self) -> None:
        """Raise SolvingStoppedError if the time is over."""
        if time.monotonic() > self._end:
            raise SolvingStoppedError


class Solver:
    """Completions of a case under one version, found by clingo under assumptions.

    Literals are numbers of atoms of the ground program, negative for negated ones.
    """

    def __init__(self, program: GroundProgram, budget: Budget) -> None:
        self.program = program
        self._budget = budget
        self._control = limited_control()
        shown = [atom for atom in program.atoms if atom[0] in DERIVED]
        self._shown = dict(enumerate(shown))
        symbols = {
            program.atoms[atom]: clingo.Function("shown", [clingo.Number(place)])
            for place, atom in self._shown.items()
        }
        with filling(self._control) as backend:
            self._numbers = load(backend, program, symbols)
            self._numbers[CONSTANT] = backend.add_atom()
            backend.add_rule([self._numbers[CONSTANT]])
        self._always = frozenset(atom for atom in program.facts if atom[0] in DERIVED)

    def literal(self, atom: Atom) -> int:
        """Return the literal of an atom, also if the atom is true or false in every completion."""
        if atom in self.program.facts:
            return CONSTANT
        return self.program.atoms.get(atom, -CONSTANT)

    def add_gate(self, bound: int, literals: Sequence[int]) -> int:
        """Add an atom that holds if at least `bound` of the literals do; return its literal."""
        number = max(self._numbers) + 1
        with filling(self._control) as backend:
            self._numbers[number] = backend.add_atom()
            weighted = [(literal, 1) for literal in self._own(literals)]
            backend.add_weight_rule([self._numbers[number]], bound, weighted)
        return number

    def satisfiable(self, assumptions: Iterable[int]) -> bool:
        """Whether some completion satisfies the assumptions. Raises SolvingStoppedError at the limit."""
        satisfiable = self._solve(self._own(assumptions)).satisfiable
        if satisfiable is None:
            raise SolvingStoppedError
        return satisfiable

    def completion(self, assumptions: Iterable[int], literals: Sequence[int]) -> list[bool] | None:
        """Return which of the literals hold in some completion, or None if there is none."""
        found: list[list[bool]] = []
        own = self._own(literals)
        result = self._solve(
            self._own(assumptions),
            lambda model: found.append([model.is_true(literal) for literal in own]),
        )
        if result.satisfiable is None:
            raise SolvingStoppedError
        return found[0] if found else None

    def derived(self, assumptions: Sequence[int]) -> "Derived":
        """Return what is derived in some, and in every, completion of the assumptions."""
        own = self._own(assumptions)
        some = self._consequences(own, "brave")
        return Derived(some, self._consequences(own, "cautious") if some else frozenset())

    def _consequences(self, assumptions: list[int], mode: str) -> frozenset[Atom]:
        found: list[frozenset[Atom]] = []
        self._configure("enum_mode", mode)
        self._configure("models", 0)
        try:
            result = self._solve(assumptions, lambda model: found.append(self._read(model)))
        finally:
            self._configure("enum_mode", "auto")
            self._configure("models", 1)
        if not result.exhausted:
            raise SolvingStoppedError
        return found[-1] if found else frozenset()

    def _read(self, model: clingo.Model) -> frozenset[Atom]:
        shown = model.symbols(shown=True)
        return self._always.union(self._shown[symbol.arguments[0].number] for symbol in shown)

    def _solve(
        self, assumptions: list[int], on_model: Callable[[clingo.Model], None] | None = None
    ) -> clingo.SolveResult:
        self._budget.check()
        return self._control.solve(assumptions=assumptions, on_model=on_model)

    def _own(self, literals: Iterable[int]) -> list[int]:
        return renumbered(literals, self._numbers)

    def _configure(self, option: str, value: object) -> None:
        setattr(self._control.configuration.solve, option, str(value))


@dataclass(frozen=True, slots=True)
class Derived:
    """The derived atoms that hold in some completions, and those that hold in all."""

    some: frozenset[Atom]
    every: frozenset[Atom]

    def status(self, atom: Atom) -> bool | None:
        """Return True if the atom holds in every completion, False if in none, None if open."""
        if atom in self.every:
            return True
        return None if atom in self.some else False

    def possible(self, name: str) -> Iterator[Atom]:
        """Yield the arguments of the predicate's atoms that hold in some completion, sorted."""
        yield from sorted((atom[1:] for atom in self.some if atom[0] == name), key=_order)


def renumbered(literals: Iterable[int], numbers: Mapping[int, int]) -> list[int]:
    """Translate literals of a ground program to the numbers of a copy of it."""
    return [numbers[literal] if literal > 0 else -numbers[-literal] for literal in literals]


def literals_of(
    backend: clingo.Backend, program: GroundProgram, numbers: Mapping[int, int]
) -> Callable[[Atom], int]:
    """Return what gives the solver's literal of an atom, also of one that always or never holds."""
    always = backend.add_atom()
    backend.add_rule([always])

    def literal(atom: Atom) -> int:
        if atom in program.facts:
            return always
        return numbers[program.atoms[atom]] if atom in program.atoms else -always

    return literal


def limited_control(*options: str) -> clingo.Control:
    """Return a solver that prints nothing, and gives a search up at CONFLICT_LIMIT."""
    control = clingo.Control(options, message_limit=0)
    control.configuration.solve.solve_limit = str(CONFLICT_LIMIT)  # type: ignore[union-attr]
    return control


@contextmanager
def filling(control: clingo.Control) -> Iterator[clingo.Backend]:
    """Give what adds atoms and rules to a solver; end with an atom that always holds.

    Where the last atom has no rule that can apply, clasp may take its number for an atom of its own:
    then an assumption that it holds is not refused.
    """
    with control.backend() as backend:
        yield backend
        backend.add_rule([backend.add_atom()])


def load(
    backend: clingo.Backend, program: GroundProgram, symbols: Mapping[int, clingo.Symbol]
) -> dict[int, int]:
    """Add a copy of a ground program to a solver; return the new numbers of its atoms by the old."""
    numbers: dict[int, int] = {}

    def own(literal: int) -> int:
        atom = abs(literal)
        if atom not in numbers:
            symbol = symbols.get(atom)
            numbers[atom] = backend.add_atom(symbol) if symbol else backend.add_atom()
        return numbers[atom] if literal > 0 else -numbers[atom]

    for rule in program.rules:
        head, body = [own(atom) for atom in rule.head], [own(literal) for literal in rule.body]
        if rule.bound is None:
            backend.add_rule(head, body, rule.choice)
        else:
            backend.add_weight_rule(
                head, rule.bound, [(literal, 1) for literal in body], rule.choice
            )
    for number in program.atoms.values():
        own(number)
    return numbers


def _order(atom: Atom) -> list[tuple[bool, int, str]]:
    return [
        (isinstance(term, str), term if isinstance(term, int) else 0, str(term)) for term in atom
    ]
