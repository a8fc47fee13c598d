"""Versions of policies lined up over one set of patients, and whether two of them answer alike.

Each version is folded into one circuit: conjunctions within conjunctions become one, what others
entail goes, and equal gates are one gate. So copies in other words mostly come to the same
literals, and need no search. Of the others, most are told apart by patients met before; only what
is left goes to the solver, and what it proves is remembered of all that say the same. (Structural
hashing, simulation, and only then a proof: Kuehlmann et al., Robust Boolean reasoning for
equivalence checking, 2002.)
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from math import comb
from operator import neg
from typing import TypeAlias

from engine.analysis.patients import Patients
from engine.analysis.subject import Stated
from engine.circuit import TRUE, Circuit, Gate, Literal, Source
from engine.inputs import Inputs
from engine.program import Atom, Derived, GroundProgram
from engine.solver import Budget
from facts.vocabulary import Vocabulary

Answers: TypeAlias = Mapping[Atom, Literal]
"""The outcomes, and the values of the parts of an answer, with their literals."""
MOST_COMBINATIONS = 20
"""Ways to choose the parts of a count that are written out; where there are more, it is counted."""


class Lineup:
    """Programs over the same patients, each folded once. Not safe to share between threads."""

    def __init__(
        self, programs: Iterable[GroundProgram], vocabulary: Vocabulary, budget: Budget
    ) -> None:
        whole = Inputs.shared(programs)
        self._circuit = _Folded(whole, Inputs(whole, vocabulary.facts))
        self._patients = Patients(self._circuit, TRUE, budget)
        self._folded: dict[object, _Folding] = {}
        self._meanings: dict[tuple[frozenset[tuple[Atom, Literal]], Literal], int] = {}
        self._parted: set[frozenset[int]] = set()

    def equivalent(self, first: Stated, second: Stated) -> bool:
        """Whether every patient gets the same outcomes, and the same in every part of the answer.

        The readings of both are chosen. Raises SolvingStoppedError at a limit.
        """
        one, other = self._fold(first), self._fold(second)
        if one.answers == other.answers:
            return True
        mine, theirs = self._meaning(one), self._meaning(other)
        if mine == theirs or frozenset((mine, theirs)) in self._parted:
            return mine == theirs
        values = dict.fromkeys([*one.answers, *other.answers])
        pairs = [(one.answers.get(v, -TRUE), other.answers.get(v, -TRUE)) for v in values]
        alike = self._patients.parting(pairs, one.valid, other.valid) is None
        if one.valid == other.valid:
            self._remember(mine, theirs, alike=alike)
        return alike

    def _meaning(self, folding: "_Folding") -> int:
        """Return the number of what a version says to those it does not rule out."""
        said = (frozenset(folding.answers.items()), folding.valid)
        return self._meanings.setdefault(said, len(self._meanings))

    def _remember(self, mine: int, theirs: int, *, alike: bool) -> None:
        """Keep what is proved of two meanings that rule out the same patients."""
        if not alike:
            self._parted.add(frozenset((mine, theirs)))
            return
        self._meanings = {
            said: mine if number == theirs else number for said, number in self._meanings.items()
        }
        self._parted = {
            frozenset(mine if number == theirs else number for number in pair)
            for pair in self._parted
        }

    def _fold(self, stated: Stated) -> "_Folding":
        key = (stated.policy.number, stated.version.start, *sorted((stated.readings or {}).items()))
        if key not in self._folded:
            self._folded[key] = _Folding(self._circuit, stated.version.program, stated.constants)
        return self._folded[key]


class _Folded(Circuit):
    """A circuit of conjunctions, none of them within another, and their negations."""

    def __init__(self, program: GroundProgram, inputs: Inputs) -> None:
        self._members: dict[Literal, frozenset[Literal]] = {}
        self._sources: dict[Literal, tuple[int, int]] = {}
        self._known: dict[frozenset[Literal], Literal] = {}
        self.derived: dict[tuple[object, ...], Literal] = {}
        """What is derived, by how, and from which literals."""
        super().__init__(program, inputs)

    @property
    def inputs(self) -> dict[Atom, Literal]:
        """The atoms that are not derived, with their literals."""
        return self._inputs

    def any_of(self, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if one of the literals does."""
        return -self.all_of(-literal for literal in literals)

    def all_of(self, literals: Iterable[Literal]) -> Literal:
        """Return a literal that holds if all of the literals do."""
        asked = frozenset(literals)
        known = self._known.get(asked)
        if known is None:
            members = self._members
            flat = {part for literal in asked for part in members.get(literal, (literal,))}
            known = self._known[asked] = self._conjoined(flat)
        return known

    def _conjoined(self, kept: set[Literal]) -> Literal:
        """Merge what is asked of one domain, and leave out what other literals entail."""
        kept.discard(TRUE)
        sources, members = self._sources, self._members
        asking = [literal for literal in kept if literal in sources]
        if len({sources[literal][0] for literal in asking}) < len(asking):
            kept = self._merged_asking(kept, asking)
        if -TRUE in kept or not kept.isdisjoint(map(neg, kept)):
            return -TRUE
        negated = [literal for literal in kept if -literal in members]
        for literal in negated:
            for part in members[-literal]:
                if -part in kept or (-part in members and members[-part] <= kept):
                    kept.discard(literal)
                    break
        if len(kept) < 2:
            return kept.pop() if kept else TRUE
        if kept.issubset(negated) and (common := self._common(kept)):
            return -self._factored(kept, common)
        conjoined = frozenset(kept)
        number = self._known.get(conjoined)
        if number is None:
            number = self._known[conjoined] = len(self.nodes)
            self.nodes.append(Gate(len(kept), tuple(sorted(kept))))
            members[number] = conjoined
        return number

    def _merged_asking(self, kept: set[Literal], asking: Iterable[Literal]) -> set[Literal]:
        """Merge literals that ask for values of one domain."""
        values: dict[int, int] = {}
        for literal in asking:
            place, held_in = self._sources[literal]
            values[place] = values.get(place, held_in) & held_in
        merged = {self.holding(place, held) for place, held in values.items()}
        return kept.difference(asking) | merged

    def _common(self, literals: Iterable[Literal]) -> frozenset[Literal]:
        """Return what holds wherever one of the literals, negated conjunctions, fails."""
        members = self._members
        every = iter(literals)
        common = members[-next(every)]
        for literal in every:
            common = common & members[-literal]
            if not common:
                break
        return common

    def _factored(self, literals: Iterable[Literal], common: frozenset[Literal]) -> Literal:
        """Return what holds if one of the literals fails, with what is common to that."""
        rests = (self._members[-literal] - common for literal in literals)
        return self.all_of([*common, self.any_of(self.all_of(rest) for rest in rests)])

    def _number(self, node: Gate | Source) -> int:
        number = super()._number(node)
        if isinstance(node, Source):
            others = self.all_values[node.domain] & ~node.values
            self._sources[number] = (node.domain, node.values)
            self._sources[-number] = (node.domain, others)
        return number

    def count(self, bound: int, literals: Sequence[Literal]) -> Literal:
        """Return a literal that holds if at least so many of the literals do."""
        bound -= literals.count(TRUE)
        kept = sorted(literal for literal in literals if abs(literal) != TRUE)
        if bound <= 0:
            return TRUE
        if bound > len(kept):
            return -TRUE
        if comb(len(kept), bound) > MOST_COMBINATIONS:
            return self._number(Gate(bound, tuple(kept)))
        ways = [-self.all_of(chosen) for chosen in combinations(kept, bound)]
        return -self.all_of(ways)


class _Folding:
    """What one program derives, folded.

    `answers` are its answers without their sections; one that it never gives is left out.
    """

    def __init__(
        self, circuit: _Folded, program: GroundProgram, given: Mapping[Atom, Literal]
    ) -> None:
        self._circuit = circuit
        self._program = program
        self._derivations = iter(program.derivations)
        numbers = program.asked.values()
        literals = [*map(circuit.inputs.__getitem__, program.asked)]
        self._literals = dict(zip(numbers, literals, strict=True))
        self._literals.update(zip(map(neg, numbers), map(neg, literals), strict=True))
        for atom, literal in given.items():
            if atom in program.atoms:
                number = program.atoms[atom]
                self._literals[number], self._literals[-number] = literal, -literal
        said = program.said
        self._fold(literal for saying in said.values() for literal in saying)
        answers = {
            value: self._one_of(saying) if saying else TRUE for value, saying in said.items()
        }
        self.answers = {value: literal for value, literal in answers.items() if literal != -TRUE}

    @cached_property
    def valid(self) -> Literal:
        """The literal that holds for the patients that the program does not rule out."""
        ruling_out = self._program.ruling_out
        self._fold(ruling_out)
        return -self._one_of(ruling_out)

    def _one_of(self, saying: Sequence[int]) -> Literal:
        """Return what holds where one of the program's literals does."""
        if len(saying) == 1:
            return self._literals[saying[0]]
        return self._circuit.any_of(self._literals[literal] for literal in saying)

    def _fold(self, asked: Iterable[int]) -> None:
        """Fold on until the atoms of literals are folded: no rule needs one that comes after it."""
        literals, known = self._literals, self._circuit.derived
        of = literals.__getitem__
        due = {abs(literal) for literal in asked if literal not in literals}
        while due:
            derived = next(self._derivations)
            atom, _, _, shape, looked_at = derived
            said = (shape, *map(of, looked_at))
            literal = known.get(said)
            if literal is None:
                literal = known[said] = self._derive(derived)
            literals[atom], literals[-atom] = literal, -literal
            due.discard(atom)

    def _derive(self, derived: Derived) -> Literal:
        """Return what rules derive side by side."""
        of, circuit = self._literals.__getitem__, self._circuit
        failing = [*map(of, derived.unless)]
        for body, bound in derived.bodies:
            parts = [*map(of, body)]
            failing.append(
                -circuit.all_of(parts) if bound is None else -circuit.count(bound, parts)
            )
        return -circuit.all_of(failing)
