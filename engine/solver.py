"""A solver for one version of a policy: grounded once, asked by assumptions.

Facts become assumptions on the atoms that complete a case; what is left open the solver completes.
A control is not safe to share between threads, so neither is a solver.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import clingo

from engine.program import Atom, GroundProgram
from facts.errors import PolicygroundsError
from facts.values import Known, Members, OneOf, Truth
from facts.vocabulary import Fact

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


class Budget:
    """The time that all searches for one answer may take together, looked at before each."""

    def __init__(self) -> None:
        self._end = 0.0
        self.renew()

    def renew(self) -> None:
        """Begin anew, for another answer."""
        self._end = time.monotonic() + SECONDS_FOR_A_CASE

    def check(self) -> None:
        """Raise SolvingStoppedError if the time is over."""
        if time.monotonic() > self._end:
            raise SolvingStoppedError


@dataclass(frozen=True, slots=True)
class Unit:
    """What can be learned by one question: a fact, or one member of a set."""

    fact: str
    member: str | None = None


class Inputs:
    """The atoms of a ground program that stand for facts and readings."""

    def __init__(self, program: GroundProgram) -> None:
        self._values: dict[str, dict[str, int]] = {}
        self._members: dict[str, dict[str, int]] = {}
        self._steps: dict[str, list[tuple[int, int]]] = {}
        self._booleans: dict[str, int] = {}
        self._readings: dict[str, dict[str, int]] = {}
        for atom, number in program.atoms.items():
            match atom:
                case ("yes", str(fact)):
                    self._booleans[fact] = number
                case ("is", str(fact), str(value)):
                    self._values.setdefault(fact, {})[value] = number
                case ("includes", str(fact), str(member)):
                    self._members.setdefault(fact, {})[member] = number
                case ("reaches", str(fact), int(least)):
                    self._steps.setdefault(fact, []).append((least, number))
                case ("reads", _, str(reading), str(choice)):
                    self._readings.setdefault(reading, {})[choice] = number

    def units(self) -> Iterator[tuple[Unit, tuple[int, ...]]]:
        """Yield every unit that can be learned, with the atoms that stand for it."""
        for fact, number in self._booleans.items():
            yield Unit(fact), (number,)
        for fact, values in self._values.items():
            yield Unit(fact), tuple(values.values())
        for fact, steps in self._steps.items():
            yield Unit(fact), tuple(number for _, number in steps)
        for fact, members in self._members.items():
            for member, number in members.items():
                yield Unit(fact, member), (number,)

    def readings(self) -> Mapping[str, Mapping[str, int]]:
        """Return the atoms of each reading, by choice."""
        return self._readings

    def case(self, holds: Mapping[int, bool], facts: Mapping[str, Fact]) -> dict[str, object]:
        """Return a completion's facts in the JSON form; numbers are the least that fit."""
        case: dict[str, object] = {}
        for fact, number in self._booleans.items():
            case[fact] = holds[number]
        for fact, values in self._values.items():
            case[fact] = next(value for value, number in values.items() if holds[number])
        for fact, members in self._members.items():
            case[fact] = sorted(member for member, number in members.items() if holds[number])
        for fact, steps in self._steps.items():
            reached = [least for least, number in steps if holds[number]]
            case[fact] = facts[fact].number(max(reached, default=facts[fact].lowest))
        return dict(sorted(case.items()))

    def literals(self, fact: str, known: Known) -> Iterator[int]:
        """Yield the assumptions that say what is known of a fact."""
        if isinstance(known, Truth):
            if fact in self._booleans:
                yield _signed(self._booleans[fact], holds=known.value)
        elif isinstance(known, OneOf):
            for value, number in self._values.get(fact, {}).items():
                if value not in known.values:
                    yield -number
                elif len(known.values) == 1:
                    yield number
        elif isinstance(known, Members):
            for member, number in self._members.get(fact, {}).items():
                if member in known.includes | known.excludes:
                    yield _signed(number, holds=member in known.includes)
        else:
            for least, number in self._steps.get(fact, []):
                if least <= known.low or least > known.high:
                    yield _signed(number, holds=least <= known.low)

    def reading_literals(self, readings: Mapping[str, str]) -> list[int]:
        """Return the assumptions that choose the readings."""
        return [
            number if choice == readings[reading] else -number
            for reading, choices in self._readings.items()
            for choice, number in choices.items()
        ]


def _signed(number: int, *, holds: bool) -> int:
    return number if holds else -number


class Solver:
    """Completions of a case under one version, found by clingo under assumptions.

    Literals are numbers of atoms of the ground program, negative for negated ones.
    """

    def __init__(self, program: GroundProgram, budget: Budget) -> None:
        self.program = program
        self._budget = budget
        self._control = clingo.Control(message_limit=0)
        self._configure("solve_limit", CONFLICT_LIMIT)
        shown = [atom for atom in program.atoms if atom[0] in DERIVED]
        self._shown = dict(enumerate(shown))
        symbols = {
            program.atoms[atom]: clingo.Function("shown", [clingo.Number(place)])
            for place, atom in self._shown.items()
        }
        with self._control.backend() as backend:
            self._numbers = load(backend, program, symbols)
            self._numbers[CONSTANT] = backend.add_atom()
            backend.add_rule([self._numbers[CONSTANT]])
        self._always = frozenset(atom for atom in program.facts if atom[0] in DERIVED)

    def literal(self, atom: Atom) -> int:
        """Return the literal of an atom, also if the atom is true or false in every completion."""
        if atom in self.program.facts:
            return CONSTANT
        return self.program.atoms.get(atom, -CONSTANT)

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
