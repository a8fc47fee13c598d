"""Solvers that decide a case exactly, also one with unknown facts: python-sat, z3 and clingo.

Each is told the gates of a formula once, what values facts can have, and that no case contradicts
itself, and is kept. A case is a search under assumptions: it finds a completion, whose outcome it
reads; where facts are unknown, a second one asks for a completion with another outcome.

The packages are imported here and nowhere else, and left out if they are not installed.
"""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any, TypeVar

import clingo
from formula import PEND, CaseFacts, Formula, Writer, imported, labelled

from engine.circuit import TRUE
from facts.vocabulary import Kind

_SOLVERS, _Z3 = imported("pysat.solvers"), imported("z3")
MISSING_SOLVERS = [
    package for package, module in (("python-sat", _SOLVERS), ("z3-solver", _Z3)) if not module
]
"""The packages of solvers that are not installed."""

Term = TypeVar("Term")


def solvers(formula: Formula) -> Iterator[tuple[str, "Solver[Any]"]]:
    """Prepare every solver that there is."""
    if _SOLVERS:
        yield labelled("python-sat"), PythonSat(formula)
    if _Z3:
        yield labelled("z3-solver"), Z3(formula)
    yield labelled("clingo", "assumptions"), Clingo(formula)


class Solver(Writer[Term]):
    """A solver that is kept, as a writer of its own terms; what to assume is made in advance."""

    def __init__(self, formula: Formula) -> None:
        super().__init__(formula)
        self._asked: dict[tuple[str, object], Term] = {}
        self._fixed: list[tuple[str, dict[object, Sequence[Term]]]] = []
        self._numbers: list[tuple[str, tuple[float, ...], list[Sequence[Term]]]] = []
        self._sets: list[tuple[str, list[tuple[str, Term, Term]]]] = []
        self.tell()
        self.finish()

    @abstractmethod
    def fresh(self) -> Term:
        """Return a new variable for what is asked of a case."""

    @abstractmethod
    def forbid(self, terms: Sequence[Term]) -> None:
        """Rule out that all of some terms hold."""

    @abstractmethod
    def defined(self, term: Term) -> Term:
        """Return what stands for a term that several others are made of."""

    @abstractmethod
    def search(self, assumed: Sequence[Term], asked: Sequence[Term]) -> int | None:
        """Return the place of the first term asked that holds in a completion, or how many there are.

        None if there is no completion of what is assumed.
        """

    @abstractmethod
    def satisfiable(self, assumed: Sequence[Term]) -> bool:
        """Whether there is a completion of what is assumed."""

    def tell(self) -> None:
        """Make the variables, and say what the values of facts and the gates are."""
        for name, fact in self.formula.asked.items():
            if fact.kind is Kind.BOOLEAN:
                asked = self._input(name, None)
                self._fixed.append((name, {True: [asked], False: [self.negation(asked)]}))
            elif fact.kind is Kind.CHOICE:
                self._tell_choice(name)
            elif fact.kind is Kind.SET:
                members = [
                    (name_, self._input(name, name_)) for name_ in self.formula.members(name)
                ]
                self._sets.append(
                    (name, [(member, on, self.negation(on)) for member, on in members])
                )
            else:
                self._tell_number(name)
        self.share(self.formula.roots, lambda _, term: self.defined(term))
        self.forbid([self.write(self.formula.impossible)])
        _, *chain = self.formula.chain
        self._words = [word for _, word in chain]
        self._terms = [self.defined(self.write(literal)) for literal, _ in chain]
        self._others = [self.negation(term) for term in self._terms]

    def finish(self) -> None:
        """Make the solver ready, after all is told."""

    def _input(self, fact: str, value: object) -> Term:
        self._asked[fact, value] = self.fresh()
        return self._asked[fact, value]

    def _tell_choice(self, name: str) -> None:
        values = {value: self._input(name, value) for value in self.formula.choices(name)}
        self.forbid([self.negation(value) for value in values.values()])
        for one, other in combinations(values.values(), 2):
            self.forbid([one, other])
        self._fixed.append((name, {value: [term] for value, term in values.items()}))

    def _tell_number(self, name: str) -> None:
        cuts = self.formula.cuts(name)
        reached = [self._input(name, cut) for cut in cuts]
        for low, high in pairwise(reached):
            self.forbid([high, self.negation(low)])
        beyond = [self.negation(term) for term in reached]
        intervals: list[Sequence[Term]] = [
            [*reached[max(place - 1, 0) : place], *beyond[place : place + 1]]
            for place in range(len(cuts) + 1)
        ]
        self._numbers.append((name, cuts, intervals))

    def assumptions(self, facts: CaseFacts) -> list[Term]:
        """Return what to assume for what is known of a case."""
        assumed: list[Term] = []
        known = facts.get
        for name, values in self._fixed:
            if (value := known(name)) is not None:
                assumed += values[value]
        for name, members in self._sets:
            if (listed := known(name)) is not None:
                assumed += [on if member in listed else off for member, on, off in members]
        for name, cuts, intervals in self._numbers:
            if (number := known(name)) is not None:
                assumed += intervals[bisect_right(cuts, number)]
        return assumed

    def decide(self, facts: CaseFacts) -> str:
        """Decide a complete case."""
        place = self.search(self.assumptions(facts), self._terms)
        return PEND if place is None else [*self._words, self.formula.last][place]

    def settle(self, facts: CaseFacts) -> str:
        """Decide a case with unknown facts: by an outcome, if there can be no other."""
        assumed = self.assumptions(facts)
        place = self.search(assumed, self._terms)
        if place is None:
            return PEND
        if place < len(self._words):
            other = self.satisfiable([*assumed, self._others[place]])
            return PEND if other else self._words[place]
        other = any(self.satisfiable([*assumed, term]) for term in self._terms)
        return PEND if other else self.formula.last

    def truth(self, fact: str) -> Term:
        """Return the variable of a boolean."""
        return self._asked[fact, None]

    def member(self, fact: str, name: str) -> Term:
        """Return the variable of a member."""
        return self._asked[fact, name]

    def choice(self, fact: str, names: Sequence[str]) -> Term:
        """Return the variable of a value, or say that one of several holds."""
        terms = [self._asked[fact, name] for name in names]
        return terms[0] if len(terms) == 1 else self.disjunction(terms)

    def at_least(self, fact: str, number: float) -> Term:
        """Return the variable of a value that is reached."""
        return self._asked[fact, number]


class _Numbered(Solver[int]):
    """A solver whose terms are numbers, negative for what is negated."""

    def constant(self, *, holds: bool) -> int:
        """Return a variable that always holds, or its negation."""
        always = self._asked.get(("", TRUE)) or self._input("", TRUE)
        self.forbid([-always])
        return always if holds else -always

    def negation(self, operand: int) -> int:
        """Negate."""
        return -operand

    def disjunction(self, operands: Sequence[int]) -> int:
        """Say that some hold: not all are false."""
        return -self.conjunction([-operand for operand in operands])

    def defined(self, term: int) -> int:
        """Return the term: a gate has a variable already."""
        return term


class PythonSat(_Numbered):
    """python-sat: the gates in clauses, on one MiniSat 2.2."""

    def __init__(self, formula: Formula) -> None:
        self._variables = 0
        self._clauses: list[list[int]] = []
        super().__init__(formula)

    def finish(self) -> None:
        """Give all clauses to the solver at once."""
        self._solver = _SOLVERS.Solver(name="minisat22", bootstrap_with=self._clauses)

    def fresh(self) -> int:
        """Return the next variable."""
        self._variables += 1
        return self._variables

    def forbid(self, terms: Sequence[int]) -> None:
        """Add a clause."""
        self._clauses.append([-term for term in terms])

    def conjunction(self, operands: Sequence[int]) -> int:
        """Return a variable that is defined by clauses."""
        whole = self.fresh()
        self._clauses += [[-whole, operand] for operand in operands]
        self._clauses.append([whole, *(-operand for operand in operands)])
        return whole

    def search(self, assumed: Sequence[int], asked: Sequence[int]) -> int | None:
        """Solve, and read the model."""
        if not self._solver.solve(assumptions=assumed):
            return None
        model = self._solver.get_model()
        for place, term in enumerate(asked):
            if (model[abs(term) - 1] > 0) == (term > 0):
                return place
        return len(asked)

    def satisfiable(self, assumed: Sequence[int]) -> bool:
        """Solve."""
        return bool(self._solver.solve(assumptions=assumed))


class Clingo(_Numbered):
    """clingo: the gates as rules of one control, its literals as assumptions."""

    def __init__(self, formula: Formula) -> None:
        self._control = clingo.Control(message_limit=0)
        super().__init__(formula)

    def tell(self) -> None:
        """Add all rules in one step; the last atom always holds, as clasp may take another's number."""
        with self._control.backend() as self._backend:
            super().tell()
            self._backend.add_rule([self._backend.add_atom()])

    def fresh(self) -> int:
        """Return an atom that is guessed."""
        atom: int = self._backend.add_atom()
        self._backend.add_rule([atom], choice=True)
        return atom

    def forbid(self, terms: Sequence[int]) -> None:
        """Add a constraint."""
        self._backend.add_rule([], terms)

    def conjunction(self, operands: Sequence[int]) -> int:
        """Return an atom that a rule derives."""
        whole: int = self._backend.add_atom()
        self._backend.add_rule([whole], operands)
        return whole

    def search(self, assumed: Sequence[int], asked: Sequence[int]) -> int | None:
        """Solve, and ask the model."""
        found: list[int] = []

        def read(model: clingo.Model) -> None:
            held = (place for place, term in enumerate(asked) if model.is_true(term))
            found.append(next(held, len(asked)))

        self._control.solve(assumptions=assumed, on_model=read)
        return found[0] if found else None

    def satisfiable(self, assumed: Sequence[int]) -> bool:
        """Solve."""
        return self._control.solve(assumptions=assumed).satisfiable is True


class Z3(Solver[Any]):
    """z3: the gates as terms of one solver for propositions, checked under assumptions."""

    def __init__(self, formula: Formula) -> None:
        self._solver = _Z3.SolverFor("QF_UF")
        super().__init__(formula)

    def fresh(self) -> Any:
        """Return a new Boolean."""
        return _Z3.FreshBool()

    def forbid(self, terms: Sequence[Any]) -> None:
        """Assert that some term does not hold."""
        self._solver.add(_Z3.Not(_Z3.And(terms)))

    def defined(self, term: Any) -> Any:
        """Return a Boolean that is equal."""
        own = self.fresh()
        self._solver.add(own == term)
        return own

    def constant(self, *, holds: bool) -> Any:
        """Return true or false."""
        return _Z3.BoolVal(holds)

    def negation(self, operand: Any) -> Any:
        """Negate."""
        return _Z3.Not(operand)

    def conjunction(self, operands: Sequence[Any]) -> Any:
        """Say that all hold."""
        return _Z3.And(operands)

    def disjunction(self, operands: Sequence[Any]) -> Any:
        """Say that some hold."""
        return _Z3.Or(operands)

    def search(self, assumed: Sequence[Any], asked: Sequence[Any]) -> int | None:
        """Check, and evaluate in the model."""
        if self._solver.check(assumed) != _Z3.sat:
            return None
        model = self._solver.model()
        held = (place for place, term in enumerate(asked) if _Z3.is_true(model[term]))
        return next(held, len(asked))

    def satisfiable(self, assumed: Sequence[Any]) -> bool:
        """Check."""
        return bool(self._solver.check(assumed) == _Z3.sat)
