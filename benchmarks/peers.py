"""Other ways to find all minimal changes that turn a denied case into an approved one.

Each is prepared once from a `Goal`: the ground program of the policy version that the product
reasons over, the goal added, and for each value of each unit a literal. Then it is called with the
facts of one complete case after another. What it returns are the sets of units (facts, or members
of sets) that, changed to some value, lead to an approval without a contradiction, and of which no
part does. Facts that are `fixed` in the vocabulary do not change.

Two of the ways need packages that the product does not need. They are imported here and nowhere
else, and left out if they are not installed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any, TypeAlias

import clingo
from clingo.backend import HeuristicType
from goal import CaseFacts, Changes, Goal, load

from engine.program import Rule

Way: TypeAlias = Callable[[CaseFacts], Changes]
"""From the facts of a complete case to all its minimal changes."""


def _imported(name: str) -> Any:
    """Import a module of a peer; None if its package is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


_UNSAT, _SETS = _imported("clingexplaid.unsat"), _imported("clingexplaid.unsat.sets")
_SOLVERS = _imported("pysat.solvers")
MISSING = [
    package
    for package, module in (("clingexplaid", _SETS), ("python-sat", _SOLVERS))
    if module is None
]
"""The packages of peers that are not installed."""


def available(goal: Goal) -> dict[str, Way]:
    """Prepare every way that there is."""
    ways: dict[str, Way] = {}
    if _SETS:
        ways[f"clingexplaid {version('clingexplaid')}"] = Clingexplaid(goal).changes
    if _SOLVERS:
        ways[f"python-sat {version('python-sat')}"] = PythonSat(goal).changes
    ways["clingo, a loop"] = ClingoLoop(goal).changes
    ways["clingo, domRec"] = DomRec(goal).changes
    return ways


class Clingexplaid:
    """clingexplaid: minimal unsatisfiable and maximal satisfiable subsets of assumptions.

    The assumptions are what the case states of the facts that may change. What is left out of a
    maximal satisfiable subset is a minimal change. Version 1.5.1 offers minimal correction sets as
    well, but what it yields for one is the subset itself and not what is left out of it
    (`SubsetComputer.multiple`: `literals.intersection(subset)`), so only the satisfiable subsets
    are taken, which are right, and completed here. It enumerates them by MARCO, which finds the
    minimal unsatisfiable subsets on the way; there is no way to have the one without the other.

    The fixed facts have to hold and are no assumptions to choose from. They cannot be externals: a
    core may then consist of one, and shrinking it never ends. So the computer is given the control
    behind a front that adds them to each search and takes them out of each core.
    """

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        control = clingo.Control(message_limit=0)
        used = {abs(literal) for literals in goal.values.values() for literal in literals}
        symbols = {atom: clingo.Function("input", [clingo.Number(atom)]) for atom in used}
        with control.backend() as backend:
            self._own = load(backend, goal.rules, symbols)
        self._front = _WithFixed(control)
        self._computer = _UNSAT.SubsetComputer(self._front, [])
        self._kind = _SETS.MaximalSatisfiableSubset

    def changes(self, facts: CaseFacts) -> Changes:
        """Return the complement of each maximal satisfiable subset."""
        soft, hard = self._goal.read(facts)
        self._front.fixed = [self._own[literal] for literal in hard]
        units = {self._own[literal]: unit for unit, literal in soft.items()}
        found: list[frozenset[str]] = []
        for subset in self._computer.multiple(assumptions=list(units), types={self._kind}):
            if isinstance(subset, self._kind):
                kept = {units[literal] for literal in subset.iter_literals()}
                found.append(frozenset(soft.keys() - kept))
        return frozenset(found)


class _WithFixed:
    """A control, as far as clingexplaid asks for one, with assumptions of its own."""

    def __init__(self, control: clingo.Control) -> None:
        self.fixed: Sequence[int] = ()
        self._control = control

    @property
    def symbolic_atoms(self) -> clingo.SymbolicAtoms:
        """The atoms of the control."""
        return self._control.symbolic_atoms

    def solve(
        self,
        assumptions: Iterable[int] = (),
        on_core: Callable[[Sequence[int]], None] | None = None,
        *,
        yield_: bool = False,
    ) -> Any:
        """Search under these assumptions and the fixed ones."""
        solve: Any = self._control.solve
        fixed = frozenset(self.fixed)

        def without_fixed(core: Sequence[int]) -> None:
            if on_core is not None:
                on_core([literal for literal in core if literal not in fixed])

        return solve([*self.fixed, *assumptions], on_core=without_fixed, yield_=yield_)


class PythonSat:
    """python-sat: grow by cores, shrink and block, on one solver that is kept.

    The completion of the ground program in clauses (it has no cycles, so their models are its
    answer sets) goes to MiniSat 2.2 once. For a case, what it states is assumed. While that has no
    model, the units of the core are released; once it has one, the released units go back one by
    one to the value stated if they can, and those that cannot are a minimal change. It is blocked
    by a clause that ends with the case, and the search goes on from the units released so far.

    Of what was tried this took least. The package's own enumerators, LBX and MCSls, want a formula
    with all its soft clauses when they are made, so a case would pay for a new solver each time:
    that took several times as long. So did starting from any model, with the values stated as the
    phases that the solver prefers. Glucose 3 and 4, MapleSAT, MapleChrono, MiniCard, MinisatGH and
    CaDiCaL 1.5.3 did not do better than MiniSat 2.2.
    """

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        completion = _Completion(goal)
        self._top = completion.largest
        self._solver = _SOLVERS.Solver(name="minisat22", bootstrap_with=completion.clauses)

    def changes(self, facts: CaseFacts) -> Changes:
        """Enumerate the minimal sets of units that do not have the value stated."""
        soft, hard = self._goal.read(facts)
        units = {literal: unit for unit, literal in soft.items()}
        self._top += 1
        active = self._top
        kept, released = dict.fromkeys(units), list[int]()
        found: list[frozenset[str]] = []
        while self._relax([active, *hard], kept, released):
            changed = self._shrunk([active, *hard, *kept], released)
            found.append(frozenset(units[literal] for literal in changed))
            self._solver.add_clause([-active, *changed])
        self._solver.add_clause([-active])
        return frozenset(found)

    def _relax(self, base: Sequence[int], kept: dict[int, None], released: list[int]) -> bool:
        """Release literals until there is a model; return False if none is left to release."""
        while not self._solver.solve(assumptions=[*base, *kept]):
            core = [literal for literal in self._solver.get_core() or () if literal in kept]
            if not core:
                return False
            for literal in core:
                del kept[literal]
            released += core
        return True

    def _shrunk(self, base: list[int], released: Sequence[int]) -> list[int]:
        """Return those of the released literals that cannot hold beside the others."""
        assumed, away = list(base), list(released)
        needed: list[int] = []
        satisfiable = True
        while True:
            if satisfiable:
                model = self._solver.get_model()
                back = {
                    literal for literal in away if (model[abs(literal) - 1] > 0) == (literal > 0)
                }
                assumed += back
                away = [literal for literal in away if literal not in back]
            if not away:
                return needed
            literal = away.pop()
            satisfiable = self._solver.solve(assumptions=[*assumed, literal])
            if satisfiable:
                assumed.append(literal)
            else:
                assumed.append(-literal)
                needed.append(literal)


class _Completion:
    """The completion of an acyclic ground program as clauses, with atoms for what rules ask."""

    def __init__(self, goal: Goal) -> None:
        self.largest = goal.largest + 1
        self._true = self.largest
        self.clauses: list[list[int]] = [[self._true]]
        bodies: dict[int, list[int]] = {atom: [] for atom in range(1, goal.largest + 1)}
        for rule in goal.rules:
            body = self._body(rule)
            if not rule.head:
                self.clauses.append([-body])
            for atom in rule.head:
                bodies[atom].append(body)
                if not rule.choice:
                    self.clauses.append([atom, -body])
        self.clauses += [[-atom, *held_up] for atom, held_up in bodies.items()]

    def _body(self, rule: Rule) -> int:
        if rule.bound is None:
            return self._all(rule.body)
        return self._at_least(rule.bound, rule.body, {})

    def _all(self, literals: Sequence[int]) -> int:
        if len(literals) <= 1:
            return literals[0] if literals else self._true
        self.largest += 1
        whole = self.largest
        self.clauses += [[-whole, literal] for literal in literals]
        self.clauses.append([whole, *(-literal for literal in literals)])
        return whole

    def _at_least(
        self, bound: int, literals: Sequence[int], done: dict[tuple[int, int], int]
    ) -> int:
        """Return a literal that holds if so many literals do: with the first, or without it."""
        if bound <= 0:
            return self._true
        if bound > len(literals):
            return -self._true
        key = bound, len(literals)
        if key not in done:
            with_first = self._all([literals[0], self._at_least(bound - 1, literals[1:], done)])
            without = self._at_least(bound, literals[1:], done)
            done[key] = -self._all([-with_first, -without])
        return done[key]


class ClingoLoop:
    """clingo in a loop: solve, shrink one by one, block, repeat; on one control, grounded once."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._control = clingo.Control(message_limit=0)
        with self._control.backend() as backend:
            self._own = load(backend, goal.rules, {})

    def changes(self, facts: CaseFacts) -> Changes:
        """Enumerate the minimal sets of units that do not have the value stated."""
        read, fixed = self._goal.read(facts)
        soft = {unit: self._own[literal] for unit, literal in read.items()}
        base = [self._own[literal] for literal in fixed]
        with self._control.backend() as backend:
            active = backend.add_atom()
            backend.add_external(active, clingo.TruthValue.True_)
        found: list[frozenset[str]] = []
        while (changed := self._changed(base, soft)) is not None:
            needed: set[str] = set()
            while changed - needed:
                unit = min(changed - needed)
                kept = [literal for other, literal in soft.items() if other not in changed]
                smaller = self._changed([*base, *kept, soft[unit]], soft)
                if smaller is None:
                    needed.add(unit)
                else:
                    changed = smaller
            found.append(frozenset(changed))
            with self._control.backend() as backend:
                backend.add_rule([], [active, *(-soft[unit] for unit in changed)])
        with self._control.backend() as backend:
            backend.add_external(active, clingo.TruthValue.Release)
        return frozenset(found)

    def _changed(self, assumptions: Sequence[int], soft: Mapping[str, int]) -> set[str] | None:
        """Return the units that some model changes, or None without a model."""
        found: list[set[str]] = []

        def read(model: clingo.Model) -> None:
            found.append({unit for unit, literal in soft.items() if not model.is_true(literal)})

        self._control.solve(assumptions=assumptions, on_model=read)
        return found[0] if found else None


class DomRec:
    """clingo's own enumeration of minimal sets: `--heuristic=Domain --enum-mode=domRec`.

    Each unit has an atom for being changed, which the heuristic wants to be false; what a case
    states is assumed.
    """

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        options = ["--heuristic=Domain", "--enum-mode=domRec"]
        self._control = clingo.Control(options, message_limit=0)
        self._stated: dict[int, int] = {}
        self._units: list[str] = list(goal.values)
        with self._control.backend() as backend:
            self._own = load(backend, goal.rules, {})
            for place, unit in enumerate(self._units):
                changed = backend.add_atom(clingo.Function("changed", [clingo.Number(place)]))
                backend.add_rule([changed], choice=True)
                backend.add_heuristic(changed, HeuristicType.False_, 1, 1, [])
                for literal in goal.values[unit]:
                    stated = self._stated[literal] = backend.add_atom()
                    backend.add_rule([stated], choice=True)
                    backend.add_rule([], [stated, -self._own[literal], -changed])

    def changes(self, facts: CaseFacts, most: int = 0) -> Changes:
        """Let clingo enumerate all minimal sets of changed units, or at most so many."""
        soft, hard = self._goal.read(facts)
        found: list[frozenset[str]] = []

        def keep(model: clingo.Model) -> None:
            shown = model.symbols(shown=True)
            found.append(frozenset(self._units[symbol.arguments[0].number] for symbol in shown))

        fixed = [self._own[literal] for literal in hard]
        self._solve([*fixed, *self._assumed(set(soft.values()))], most, keep)
        return frozenset(found)

    def nearest(self, values: frozenset[int]) -> set[int]:
        """Return the values of an approved case that differs from these in a minimal set of units."""
        found: list[set[int]] = []

        def keep(model: clingo.Model) -> None:
            found.append({lit for lit in self._stated if model.is_true(self._own[lit])})

        self._solve(self._assumed(values), 1, keep)
        return found[0]

    def _assumed(self, values: set[int] | frozenset[int]) -> list[int]:
        return [
            stated if literal in values else -stated for literal, stated in self._stated.items()
        ]

    def _solve(
        self, assumptions: list[int], models: int, keep: Callable[[clingo.Model], None]
    ) -> None:
        configuration: Any = self._control.configuration
        configuration.solve.models = models
        self._control.solve(assumptions=assumptions, on_model=keep)
