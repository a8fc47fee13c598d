"""All patients: whether some complete case without contradictions has what is asked for.

Questions are first put to a pool of patients met before, evaluated side by side, one bit each; only
what none of them answers goes to the solver. A patient the solver finds joins the pool, with those
that differ from it in one unit. So the many easy questions cost almost nothing, and every "none"
is still a proof. (The idea is SAT sweeping, from the equivalence checking of circuits: Kuehlmann
et al., Robust Boolean reasoning for equivalence checking, 2002.)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import clingo

from engine.circuit import TRUE, Circuit, Gate, Literal, Source
from engine.inputs import places
from engine.solver import Budget, SolvingStoppedError, filling, limited_control

Patient: TypeAlias = tuple[int, ...]
"""A value for each domain of a circuit, by place."""

LARGEST_POOL = 4_096
"""Patients kept; more would make each new gate dearer than what they save."""
FEWEST_TOGETHER = 128
"""New patients that wait until so many can be evaluated together."""


class Patients:
    """The complete cases of a circuit in which a literal holds: those without contradictions.

    Not safe to share between threads.
    """

    def __init__(self, circuit: Circuit, valid: Literal, budget: Budget) -> None:
        self.circuit = circuit
        self.valid = valid
        self._budget = budget
        self._pool = _Pool(circuit)
        self._cones: dict[Literal, list[int]] = {}

    @cached_property
    def _solver(self) -> "_Solver":
        return _Solver(self.circuit, self._budget)

    @cached_property
    def _pairs(self) -> "_Solver":
        """A solver for two patients at once."""
        return _Solver(self.circuit, self._budget)

    def find(self, *literals: Literal) -> Patient | None:
        """Return a patient for whom all literals hold, or None: then it is proved there is none.

        Raises SolvingStoppedError at a limit.
        """
        asked = [self.valid, *literals]
        return self._pool.find(asked) or self._search(asked)

    def parting(self, pairs: Iterable[tuple[Literal, Literal]], *given: Literal) -> Patient | None:
        """Return a patient with all that is given for whom the two literals of some pair differ.

        None proves that there is none. Raises SolvingStoppedError at a limit.
        """
        differing = [pair for pair in pairs if pair[0] != pair[1]]
        asked = [self.valid, *given]
        return self._pool.parting(differing, asked) or self._search(
            [*asked, self.circuit.any_of(self._apart(differing))]
        )

    def _apart(self, pairs: Iterable[tuple[Literal, Literal]]) -> Iterator[Literal]:
        for one, other in pairs:
            yield self.circuit.all_of([one, -other])
            yield self.circuit.all_of([-one, other])

    def _search(self, asked: Sequence[Literal]) -> Patient | None:
        """Ask the solver for a patient for whom all literals hold, and remember him."""
        if -TRUE in asked:
            return None
        patient = self._solver.find(asked)
        if patient is not None:
            self._pool.add(patient)
        return patient

    def always(self, literal: Literal, *given: Literal) -> bool:
        """Whether a literal holds for every patient for whom the given ones do."""
        return self.find(-literal, *given) is None

    def neighbours(
        self, place: int, first: Iterable[Literal], second: Iterable[Literal]
    ) -> tuple[Patient, Patient] | None:
        """Return two patients that differ in one domain at most, if there are any.

        `first` and `second` are the literals that hold for the one and for the other. None proves
        that there are none.
        """
        one, other = [self.valid, *first], [self.valid, *second]
        if -TRUE in one or -TRUE in other:
            return None
        found = self._pool.neighbours(place, one, other)
        if found is None:
            found = self._pairs.neighbours(place, one, other)
            if found is not None:
                self._pool.add(found[0])
        return found

    def core(self, literals: Iterable[Literal], having: Mapping[int, Literal]) -> list[int] | None:
        """Return places whose literals leave no patient with the others; None if they do.

        `having` gives a literal for each place, such as that a domain has some value.
        """
        asked = [self.valid, *literals]
        if self._pool.find([*asked, *having.values()]) is not None:
            return None
        return self._solver.core(asked, having)

    def around(self, patient: Patient, literal: Literal) -> tuple[dict[int, int], dict[int, int]]:
        """Return what a literal that holds for a patient hangs on near him, and why it holds.

        The first are the values, as bits, that one domain alone can take such that the literal
        fails, by the place of the domain; without those that contradict the rest of the patient.
        The second are values, his own among them, with which the literal holds for everybody.
        """
        for root in (self.valid, literal):
            if root not in self._cones:
                self._cones[root] = self.circuit.cone([root])
        near = _Pool(self.circuit)
        near.seat(patient)
        near.evaluate(self._cones[self.valid])
        near.evaluate(self._cones[literal])
        failing = near.families_with(patient, [self.valid, -literal])
        return failing, near.why(literal, self._cones[literal])


class _Pool:
    """Patients met, each a lane; what every node comes to for them, as far as asked.

    A member is a patient met and, in one domain, the value he has here.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._members: list[tuple[Patient, int, int]] = []
        self._waiting: list[Patient] = []
        self._having: list[list[int]] = [[0] * domain.size for domain in circuit.domains]
        self._families: list[list[int]] = [[] for _ in circuit.domains]
        self._nodes: dict[Literal, int] = {TRUE: 0}

    def add(self, patient: Patient) -> None:
        """Take in a patient with all that differ in one domain, as long as there is room."""
        if len(self._members) < LARGEST_POOL:
            self._waiting.append(patient)
            if len(self._waiting) * sum(map(len, self._having)) >= FEWEST_TOGETHER:
                for waiting in self._waiting:
                    self.seat(waiting)
                self._waiting.clear()

    def seat(self, patient: Patient) -> None:
        """Take in a patient at once, with all that differ in one domain."""
        start = len(self._members)
        first = lane = 1 << start
        self._members.append((patient, 0, patient[0]))
        differing: list[int] = []
        for place, (value, having) in enumerate(zip(patient, self._having, strict=True)):
            family = 0
            for other in range(len(having)):
                if other != value:
                    lane <<= 1
                    self._members.append((patient, place, other))
                    having[other] |= lane
                    family |= lane
            differing.append(family)
            self._families[place].append(first | family)
        seated = (lane << 1) - first
        for having, value, others in zip(self._having, patient, differing, strict=True):
            having[value] |= seated ^ others
        self._nodes = {TRUE: (1 << len(self._members)) - 1}

    def families_with(self, patient: Patient, literals: Sequence[Literal]) -> dict[int, int]:
        """Return for each place the other values with which all literals hold, if there are any."""
        lanes = self._lanes(literals)
        found: dict[int, int] = {}
        for lane in places(lanes):
            _, place, value = self._members[lane]
            if value != patient[place]:
                found[place] = found.get(place, 0) | 1 << value
        return found

    def why(self, literal: Literal, cone: Iterable[int]) -> dict[int, int]:
        """Return values of few domains with which a literal is as it is for the first member.

        `cone` are the nodes that the literal depends on. Of the parts of a gate, those are taken
        whose reasons speak of the fewest domains.
        """
        circuit, nodes = self._circuit, self._nodes
        reasons: dict[int, tuple[int, int]] = {}
        """Of each node, the domains that its reason speaks of, and the values it bars, as bits."""
        for number in cone:
            node, true = circuit.nodes[number], nodes[number] & 1
            if isinstance(node, Source):
                at = node.domain
                barred = circuit.all_values[at] & ~node.values if true else node.values
                reasons[number] = (1 << at, barred << circuit.offsets[at])
                continue
            alike = [
                reasons[abs(part)]
                for part in node.literals
                if (nodes[abs(part)] & 1 == (part > 0)) == true
            ]
            enough = node.bound if true else len(node.literals) - node.bound + 1
            if len(alike) > enough:
                alike.sort(key=lambda reason: reason[0].bit_count())
            domains = barred = 0
            for more_domains, more_barred in alike[:enough]:
                domains |= more_domains
                barred |= more_barred
            reasons[number] = (domains, barred)
        domains, barred = reasons[abs(literal)]
        return {
            at: circuit.all_values[at] & ~(barred >> circuit.offsets[at]) for at in places(domains)
        }

    def find(self, literals: Iterable[Literal]) -> Patient | None:
        """Return a member for whom all literals hold."""
        lanes = self._lanes(literals)
        return self._first(lanes) if lanes else None

    def parting(
        self, pairs: Iterable[tuple[Literal, Literal]], literals: Iterable[Literal]
    ) -> Patient | None:
        """Return a member for whom all literals hold, and one alone of some pair."""
        within = self._lanes(literals)
        for one, other in pairs if within else ():
            lanes = (self._lanes([one]) ^ self._lanes([other])) & within
            if lanes:
                return self._first(lanes)
        return None

    def neighbours(
        self, place: int, first: Iterable[Literal], second: Iterable[Literal]
    ) -> tuple[Patient, Patient] | None:
        """Return two members that differ in one domain at most."""
        one, other = self._lanes(first), self._lanes(second)
        if one and other:
            for family in self._families[place]:
                if family & one and family & other:
                    return self._first(family & one), self._first(family & other)
        return None

    def _first(self, lanes: int) -> Patient:
        patient, place, value = self._members[(lanes & -lanes).bit_length() - 1]
        return (*patient[:place], value, *patient[place + 1 :])

    def _lanes(self, literals: Iterable[Literal]) -> int:
        """Return the members for whom all literals hold, as bits."""
        nodes = self._nodes
        ones = lanes = nodes[TRUE]
        for literal in literals:
            node = abs(literal)
            if node not in nodes:
                self.evaluate(self._circuit.cone([node], nodes))
            lanes &= nodes[node] if literal > 0 else ones ^ nodes[node]
            if not lanes:
                break
        return lanes

    def evaluate(self, cone: Iterable[int]) -> None:
        """Evaluate nodes, each of which comes after those it is made of."""
        nodes, ones, all_nodes = self._nodes, self._nodes[TRUE], self._circuit.nodes
        for number in cone:
            node = all_nodes[number]
            if isinstance(node, Source):
                lanes = 0
                for value in places(node.values):
                    lanes |= self._having[node.domain][value]
                nodes[number] = lanes
            else:
                parts = [nodes[part] if part > 0 else ones ^ nodes[-part] for part in node.literals]
                nodes[number] = _at_least(node.bound, parts, ones)


def _at_least(bound: int, parts: Sequence[int], ones: int) -> int:
    """Return the lanes in which at least so many parts hold."""
    if bound == len(parts):
        lanes = ones
        for part in parts:
            lanes &= part
        return lanes
    if bound == 1:
        lanes = 0
        for part in parts:
            lanes |= part
        return lanes
    reached = [ones] + [0] * bound
    for part in parts:
        for count in range(bound, 0, -1):
            reached[count] |= reached[count - 1] & part
    return reached[bound]


class _Solver:
    """The circuit in clingo: for one patient, and if need be for a neighbour."""

    def __init__(self, circuit: Circuit, budget: Budget) -> None:
        self._circuit = circuit
        self._budget = budget
        self._control = limited_control()
        with filling(self._control) as backend:
            self._one = _Copy(circuit, backend)
        self._copies = [self._one]
        self._same: list[int] = []

    def find(self, literals: Iterable[Literal]) -> Patient | None:
        """Return a patient for whom all literals hold."""
        asked = list(literals)
        self._extend([asked])
        found: list[Patient] = []
        self._solve(self._one.own(asked), lambda model: found.append(self._one.patient(model)))
        return found[0] if found else None

    def neighbours(
        self, place: int, first: Iterable[Literal], second: Iterable[Literal]
    ) -> tuple[Patient, Patient] | None:
        """Return two patients that agree in every domain but one."""
        other = self._neighbour()
        one, another = list(first), list(second)
        self._extend([one, another])
        found: list[tuple[Patient, Patient]] = []
        same = (atom for at, atom in enumerate(self._same) if at != place)
        self._solve(
            [*self._one.own(one), *other.own(another), *same],
            lambda model: found.append((self._one.patient(model), other.patient(model))),
        )
        return found[0] if found else None

    def core(self, literals: Sequence[Literal], having: Mapping[int, Literal]) -> list[int] | None:
        """Return places whose literals leave no patient with the others; None if they do."""
        self._extend([[*literals, *having.values()]])
        stated = dict(zip(self._one.own(having.values()), having, strict=True))
        cores: list[Sequence[int]] = []
        if self._solve([*self._one.own(literals), *stated], on_core=cores.append):
            return None
        return sorted({stated[literal] for literal in cores[-1] if literal in stated})

    def _solve(
        self,
        assumptions: Sequence[int],
        on_model: Callable[[clingo.Model], None] | None = None,
        on_core: Callable[[Sequence[int]], None] | None = None,
    ) -> bool:
        self._budget.check()
        result = self._control.solve(assumptions=assumptions, on_model=on_model, on_core=on_core)
        if result.satisfiable is None:
            raise SolvingStoppedError
        return result.satisfiable

    def _extend(self, asked: Iterable[Sequence[Literal]]) -> None:
        """Add the nodes that each copy is asked for, with those they are made of."""
        missing = [
            (copy, [literal for literal in literals if not copy.has(literal)])
            for copy, literals in zip(self._copies, asked, strict=False)
        ]
        if any(literals for _, literals in missing):
            with filling(self._control) as backend:
                for copy, literals in missing:
                    copy.extend(literals, backend)

    def _neighbour(self) -> "_Copy":
        """Return the copy of the neighbour, and for each domain an atom that makes it agree."""
        if len(self._copies) == 1:
            with filling(self._control) as backend:
                other = _Copy(self._circuit, backend)
                for one, another in zip(self._one.values, other.values, strict=True):
                    same = backend.add_atom()
                    backend.add_rule([same], choice=True)
                    for mine, theirs in zip(one, another, strict=True):
                        backend.add_rule([], [same, mine, -theirs])
                        backend.add_rule([], [same, -mine, theirs])
                    self._same.append(same)
                self._copies.append(other)
        return self._copies[1]


class _Copy:
    """Atoms of a solver for the values of one patient, and for what the nodes come to.

    `values` has for each domain an atom a value, but for the first: none of them holds with it.
    """

    def __init__(self, circuit: Circuit, backend: clingo.Backend) -> None:
        self._circuit = circuit
        self._nodes: dict[int, int] = {}
        self.values: list[list[int]] = []
        for domain in circuit.domains:
            atoms = [backend.add_atom() for _ in range(domain.size - 1)]
            if atoms:
                backend.add_rule(atoms, choice=True)
            if len(atoms) > 1:
                several = backend.add_atom()
                backend.add_weight_rule([several], 2, [(atom, 1) for atom in atoms])
                backend.add_rule([], [several])
            self.values.append(atoms)

    def has(self, literal: Literal) -> bool:
        """Whether a literal has its atom."""
        return abs(literal) in self._nodes

    def extend(self, literals: Sequence[Literal], backend: clingo.Backend) -> None:
        """Add the nodes of some literals, and those they are made of."""
        for number in self._circuit.cone(literals, self._nodes):
            node = self._circuit.nodes[number]
            atom = self._nodes[number] = backend.add_atom()
            if isinstance(node, Gate):
                literals = self.own(node.literals)
                if node.bound == len(literals):
                    backend.add_rule([atom], literals)
                elif node.bound == 1:
                    for literal in literals:
                        backend.add_rule([atom], [literal])
                else:
                    weighted = [(literal, 1) for literal in literals]
                    backend.add_weight_rule([atom], node.bound, weighted)
                continue
            for value in places(node.values):  # a source never holds at the first value
                backend.add_rule([atom], [self.values[node.domain][value - 1]])

    def own(self, literals: Iterable[Literal]) -> list[int]:
        """Return the solver's literals."""
        return [
            self._nodes[literal] if literal > 0 else -self._nodes[-literal] for literal in literals
        ]

    def patient(self, model: clingo.Model) -> Patient:
        """Read a patient off a model."""
        return tuple(
            next((value for value, atom in enumerate(atoms, start=1) if model.is_true(atom)), 0)
            for atoms in self.values
        )
