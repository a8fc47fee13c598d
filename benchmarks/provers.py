"""Other ways to tell whether two policies answer alike: one call of a solver for each pair.

Each is given the ground programs of two versions, as the product reasons over them. It makes a
formula of both over the same facts, rules out what the programs rule out, and asks for a patient to
whom they give another outcome, or another value in some part of the answer. Readings are left
aside: the policies of generated libraries have none.

z3 and python-sat are packages that the product does not need. They are left out if they are not
installed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from typing import Any, TypeAlias

import clingo

from engine.program import ASKED, Atom, GroundProgram, Rule

Prover: TypeAlias = Callable[[GroundProgram, GroundProgram], bool]
"""Whether two programs give every patient the same answer."""


def _imported(name: str) -> Any:
    """Import a module of a peer; None if its package is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


_Z3, _SOLVERS = _imported("z3"), _imported("pysat.solvers")
MISSING = [
    package for package, module in (("z3-solver", _Z3), ("python-sat", _SOLVERS)) if module is None
]
"""The packages of peers that are not installed."""


def available() -> dict[str, Prover]:
    """Return the ways to time that there are."""
    ways: dict[str, Prover] = {f"clingo {version('clingo')}, one call": by_clingo}
    if _Z3:
        ways[f"z3 {version('z3-solver')}, one solver"] = by_z3
    return ways


def values(program: GroundProgram) -> dict[Atom, list[Atom]]:
    """Return what a program can answer, without the sections, with the atoms that say so."""
    found: dict[Atom, list[Atom]] = {}
    for atom in (*program.atoms, *program.facts):
        if atom[0] == "outcome":
            found.setdefault(atom, []).append(atom)
        elif atom[0] == "answer":
            found.setdefault((atom[1], *atom[3:]), []).append(atom)
    return found


def ruled_out(program: GroundProgram) -> Iterator[int]:
    """Yield the atoms that hold for no patient."""
    return (number for atom, number in program.atoms.items() if atom[0] == "impossible")


def steps(first: GroundProgram, second: GroundProgram) -> Iterator[tuple[Atom, Atom]]:
    """Yield neighbouring thresholds of a number: what reaches the second reaches the first."""
    cuts: dict[str, set[int]] = {}
    for atom in (*first.atoms, *second.atoms):
        match atom:
            case ("reaches", str(fact), int(least)):
                cuts.setdefault(fact, set()).add(least)
    for fact, reached in sorted(cuts.items()):
        yield from (
            (("reaches", fact, low), ("reaches", fact, high))
            for low, high in pairwise(sorted(reached))
        )


def by_clingo(first: GroundProgram, second: GroundProgram) -> bool:
    """Load both programs into a fresh control, and solve once."""
    control = clingo.Control(message_limit=0)
    with control.backend() as backend:
        true = backend.add_atom()
        backend.add_rule([true])
        inputs: dict[Atom, int] = {}
        sides = [_loaded(backend, program, inputs, true) for program in (first, second)]
        for low, high in steps(first, second):
            backend.add_rule([], [inputs[high], -inputs[low]])
        differs = backend.add_atom()
        for value in sides[0] | sides[1]:
            one, other = (side.get(value, -true) for side in sides)
            backend.add_rule([differs], [one, -other])
            backend.add_rule([differs], [-one, other])
        backend.add_rule([], [-differs])
    return control.solve().satisfiable is False


def _loaded(
    backend: clingo.Backend, program: GroundProgram, inputs: dict[Atom, int], true: int
) -> dict[Atom, int]:
    """Add the rules of a program; return a literal for each value that it can answer."""
    numbers: dict[int, int] = {}
    for atom, number in program.atoms.items():
        if atom[0] in ASKED:
            if atom not in inputs:
                inputs[atom] = backend.add_atom()
            numbers[number] = inputs[atom]

    def own(literal: int) -> int:
        atom = abs(literal)
        if atom not in numbers:
            numbers[atom] = backend.add_atom()
        return numbers[atom] if literal > 0 else -numbers[atom]

    for rule in program.rules:
        head, body = [own(atom) for atom in rule.head], [own(literal) for literal in rule.body]
        if rule.bound is None:
            backend.add_rule(head, body, rule.choice)
        else:
            weighted = [(literal, 1) for literal in body]
            backend.add_weight_rule(head, rule.bound, weighted, rule.choice)
    for number in ruled_out(program):
        backend.add_rule([], [own(number)])
    answered: dict[Atom, int] = {}
    for value, atoms in values(program).items():
        answered[value] = backend.add_atom()
        for atom in atoms:
            literal = true if atom in program.facts else own(program.atoms[atom])
            backend.add_rule([answered[value]], [literal])
    return answered


def by_z3(first: GroundProgram, second: GroundProgram) -> bool:
    """Build the completions of both programs as terms, and check them in a solver of their own."""
    sides = [_Terms(program) for program in (first, second)]
    solver = _Z3.Solver()
    for side in sides:
        solver.add(*side.constraints())
    for low, high in steps(first, second):
        solver.add(_Z3.Implies(_Z3.Bool(str(high)), _Z3.Bool(str(low))))
    one, other = (side.values() for side in sides)
    false = _Z3.BoolVal(val=False)
    solver.add(
        _Z3.Or([_Z3.Xor(one.get(value, false), other.get(value, false)) for value in one | other])
    )
    return bool(solver.check() == _Z3.unsat)


class _Terms:
    """The completion of a program without cycles: for each atom a term over what is asked."""

    def __init__(self, program: GroundProgram) -> None:
        self._program = program
        self._terms = {
            number: _Z3.Bool(str(atom))
            for atom, number in program.atoms.items()
            if atom[0] in ASKED
        }
        self._rules = rules_by_head(program)

    def constraints(self) -> list[Any]:
        """Return what holds for every patient."""
        headless = [rule for rule in self._program.rules if not rule.head]
        return [
            *(_Z3.Not(self._body(rule)) for rule in headless),
            *(_Z3.Not(self._term(number)) for number in ruled_out(self._program)),
        ]

    def values(self) -> dict[Atom, Any]:
        """Return a term for each value that the program can answer."""
        return {
            value: _Z3.Or(
                [
                    _Z3.BoolVal(val=True)
                    if atom in self._program.facts
                    else self._term(self._program.atoms[atom])
                    for atom in atoms
                ]
            )
            for value, atoms in values(self._program).items()
        }

    def _term(self, atom: int) -> Any:
        if atom not in self._terms:
            bodies = [self._body(rule) for rule in self._rules.get(atom, ())]
            self._terms[atom] = bodies[0] if len(bodies) == 1 else _Z3.Or(bodies)
        return self._terms[atom]

    def _body(self, rule: Rule) -> Any:
        parts = [self._term(part) if part > 0 else _Z3.Not(self._term(-part)) for part in rule.body]
        if rule.bound is not None:
            return _Z3.AtLeast(*parts, rule.bound)
        return parts[0] if len(parts) == 1 else _Z3.And(parts)


def rules_by_head(program: GroundProgram) -> Mapping[int, Sequence[Rule]]:
    """Return the rules by which atoms are derived; those that only guess are left out."""
    found: dict[int, list[Rule]] = {}
    for rule in program.rules:
        for head in rule.head if not rule.choice else ():
            found.setdefault(head, []).append(rule)
    return found


def by_sat(first: GroundProgram, second: GroundProgram) -> bool:
    """Check the completions of both programs in clauses, each atom a variable, with MiniSat 2.2."""
    clauses: list[list[int]] = [[1]]
    inputs: dict[Atom, int] = {}
    fresh = iter(range(2, 10_000_000))
    sides = [_Clauses(program, inputs, clauses, fresh).values for program in (first, second)]
    clauses += [[-inputs[high], inputs[low]] for low, high in steps(first, second)]
    differing = []
    for value in sides[0] | sides[1]:
        one, other = (side.get(value, -1) for side in sides)
        parted = next(fresh)
        differing.append(parted)
        clauses += [[-parted, one, other], [-parted, -one, -other]]
    clauses.append(differing)
    with _SOLVERS.Solver(name="minisat22", bootstrap_with=clauses) as solver:
        return solver.solve() is False


class _Clauses:
    """The completion of a program in clauses; `values` has a variable for each value answered."""

    def __init__(
        self,
        program: GroundProgram,
        inputs: dict[Atom, int],
        clauses: list[list[int]],
        fresh: Iterator[int],
    ) -> None:
        self._clauses, self._fresh = clauses, fresh
        self._own: dict[int, int] = {}
        for atom, number in program.atoms.items():
            if atom[0] in ASKED:
                self._own[number] = inputs.setdefault(atom, inputs.get(atom) or next(fresh))
        rules = rules_by_head(program)
        named = program.atoms.values()
        used = {abs(n) for rule in program.rules for n in (*rule.head, *rule.body)}
        for number in sorted(used.union(named) - self._own.keys()):
            self._own[number] = next(fresh)
        for number in sorted(used.union(named)):
            if number in rules:
                bodies = [self._body(rule) for rule in rules[number]]
                self._defined(self._literal(number), bodies)
        clauses += [[-self._body(rule)] for rule in program.rules if not rule.head]
        clauses += [[-self._literal(number)] for number in ruled_out(program)]
        self.values: dict[Atom, int] = {}
        for value, atoms in values(program).items():
            said = [1 if a in program.facts else self._literal(program.atoms[a]) for a in atoms]
            self.values[value] = next(fresh)
            self._defined(self.values[value], said)

    def _literal(self, literal: int) -> int:
        own = self._own[abs(literal)]
        return own if literal > 0 else -own

    def _defined(self, whole: int, parts: Iterable[int]) -> None:
        """Say that a literal holds if one of some others does, and only then."""
        listed = list(parts)
        self._clauses.append([-whole, *listed])
        self._clauses += [[whole, -part] for part in listed]

    def _body(self, rule: Rule) -> int:
        literals = [self._literal(part) for part in rule.body]
        return self._at_least(len(literals) if rule.bound is None else rule.bound, literals)

    def _at_least(self, bound: int, literals: Sequence[int]) -> int:
        """Return a literal that holds if so many literals do: with the first, or without it."""
        if bound <= 0:
            return 1
        if bound > len(literals):
            return -1
        if len(literals) == 1:
            return literals[0]
        with_first, whole = next(self._fresh), next(self._fresh)
        rest = self._at_least(bound - 1, literals[1:])
        self._defined(-with_first, [-literals[0], -rest])
        self._defined(whole, [with_first, self._at_least(bound, literals[1:])])
        return whole
