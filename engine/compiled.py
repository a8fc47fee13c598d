"""Compiled outcomes: one version under chosen readings as decision diagrams, proved equal to it.

The ground program stays the only source of truth. From its circuit comes a diagram: which outcomes a
complete case gets, or that it holds a contradiction. Before it is used, one question to the solver
proves that it says the same as the program in every complete case. What is too large, or is not
proved, is decided by the solver itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import clingo

from engine.circuit import Circuit, chosen
from engine.determination import OUTCOMES, Outcome
from engine.diagram import TERMINALS, Diagram, Diagrams, TooLargeError
from engine.inputs import Inputs
from engine.intake import Intake
from engine.many import prove_many
from engine.policy import Policy, Version
from engine.program import IMPOSSIBLE
from engine.solver import FAILURES, filling, limited_control, literals_of, load, renumbered
from engine.walk import Walks
from facts.case import Case, read_facts
from facts.errors import CaseError
from facts.values import Known
from facts.vocabulary import Vocabulary

_ENDS = {1 << place: outcome for place, outcome in enumerate(OUTCOMES)}
ENDS = [_ENDS.get(terminal, Outcome.PEND) for terminal in range(TERMINALS)]
"""What the terminals mean: those with one outcome that outcome, as a bit each.

Others are 0 for a case that holds a contradiction, those with two outcomes, and the one with all
three, to which a case with none comes too; only a faulty policy has these.
"""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a version under chosen readings is compiled, and proved to decide as its program does.

    `readings` are those chosen otherwise than by default; `nodes` those of the diagram, None where it
    would be too large. What is not proved is decided by the solver.
    """

    policy: str
    version: str
    readings: Mapping[str, str]
    nodes: int | None
    proved: bool
    columns_proved: bool | None = None
    """Whether the answers of many cases at once are proved as well; None if that was not asked, or
    they would be too large."""

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "policy": self.policy,
            "version": self.version,
            "readings": dict(self.readings),
            "nodes": self.nodes,
            "proved": self.proved,
            "columns_proved": self.columns_proved,
        }


@dataclass(frozen=True)
class CompiledOutcome:
    """The outcome of one version under chosen readings. May be shared between threads."""

    inputs: Inputs
    diagram: Diagram

    @staticmethod
    def of(
        policy: Policy, version: Version, readings: Mapping[str, str], vocabulary: Vocabulary
    ) -> "CompiledOutcome":
        """Compile a version under chosen readings. Raises TooLargeError."""
        program = version.program
        inputs = Inputs(program, vocabulary.facts)
        circuit = Circuit(program, inputs)
        derivation = circuit.derive(program, chosen(policy, readings))
        impossible = circuit.any_of(map(derivation.literal, program.possible(IMPOSSIBLE)))
        outcomes = [derivation.literal(("outcome", outcome.value)) for outcome in OUTCOMES]
        none = -circuit.any_of(outcomes)
        diagrams = Diagrams(
            circuit,
            [circuit.all_of([-impossible, circuit.any_of([each, none])]) for each in outcomes],
        )
        return CompiledOutcome(inputs, diagrams.diagram(diagrams.joint(*diagrams.roots)))

    @cached_property
    def walks(self) -> Walks[Outcome]:
        """The walks of cases to their outcomes."""
        return Walks(self.diagram, ENDS)

    def decide(self, known: Mapping[str, Known]) -> Outcome:
        """Return the one outcome of all completions without contradictions, or pend."""
        possible = [domain.all for domain in self.inputs.domains]
        self.inputs.confine(possible, known)
        return self.walks.end(possible)

    def equals(self, policy: Policy, version: Version, readings: Mapping[str, str]) -> bool:
        """Prove that a version decides the same in every complete case under the readings chosen.

        One question to the solver: is there a case in which the diagram ends elsewhere than the
        program says?
        """
        program = version.program
        control = limited_control()
        with filling(control) as backend:
            numbers = load(backend, program, {})
            own = literals_of(backend, program, numbers)
            ends = self._walked(backend, numbers)
            impossible, none = backend.add_atom(), backend.add_atom()
            for atom in program.possible(IMPOSSIBLE):
                backend.add_rule([impossible], [own(atom)])
            outcomes = [own(("outcome", outcome.value)) for outcome in OUTCOMES]
            backend.add_rule([none], [-outcome for outcome in outcomes])
            differs = backend.add_atom()
            for place, outcome in enumerate(outcomes):
                said, given = backend.add_atom(), backend.add_atom()
                for terminal, end in enumerate(ends):
                    if terminal >> place & 1:
                        backend.add_rule([said], [end])
                backend.add_rule([given], [-impossible, outcome])
                backend.add_rule([given], [-impossible, none])
                backend.add_rule([differs], [said, -given])
                backend.add_rule([differs], [-said, given])
            for atom, literal in chosen(policy, readings).items():
                backend.add_rule([], [-own(atom) if literal > 0 else own(atom)])
        # With a case at all, that none differs says something.
        return (
            control.solve().satisfiable is True
            and control.solve(assumptions=[differs]).unsatisfiable is True
        )

    def _walked(self, backend: clingo.Backend, numbers: Mapping[int, int]) -> list[int]:
        """Add the walk of a case through the diagram; return an atom for each terminal."""
        diagram = self.diagram
        ends = [backend.add_atom() for _ in range(TERMINALS)]
        reached = dict(enumerate(ends)) | {each: backend.add_atom() for each in diagram.nodes}
        backend.add_rule([reached[diagram.root]])
        for number, node in diagram.nodes.items():
            domain = self.inputs.domains[diagram.places[node.level]]
            for value, child in enumerate(node.children):
                having = renumbered(domain.literals(1 << value), numbers)
                backend.add_rule([reached[child]], [reached[number], *having])
        return ends


def compile_proved(
    policy: Policy, version: Version, readings: Mapping[str, str], vocabulary: Vocabulary
) -> tuple[CompiledOutcome | None, Verification]:
    """Compile a version and prove it; None where it is too large, or the proof fails."""
    otherwise = policy.chosen_otherwise(readings)
    try:
        made = CompiledOutcome.of(policy, version, readings, vocabulary)
    except (TooLargeError, MemoryError):
        return None, Verification(policy.number, version.start, otherwise, None, proved=False)
    proved = False
    with suppress(*FAILURES):
        proved = made.equals(policy, version, readings)
    verification = Verification(
        policy.number, version.start, otherwise, len(made.diagram.nodes), proved
    )
    return (made if proved else None), verification


class CompiledPolicy:
    """One version under chosen readings, ready for case after case. May be shared between threads."""

    def __init__(
        self,
        verification: Verification,
        compiled: CompiledOutcome | None,
        solve: Callable[[Mapping[str, Known]], Outcome],
        vocabulary: Vocabulary,
    ) -> None:
        """`solve` decides what is not compiled, or not proved."""
        self.verification = verification
        self._compiled = compiled
        self._solve = solve
        self._vocabulary = vocabulary
        self._intake = Intake(compiled.inputs, vocabulary, compiled.walks) if compiled else None

    def outcome(self, facts: Mapping[str, object]) -> Outcome:
        """Return the outcome of a case, by its facts in the JSON form, as `KnowledgeBase.outcome` does.

        Raises CaseError for facts that do not fit the vocabulary.
        """
        if self._intake:
            found = self._intake.end(facts)
            if found is not None:
                return found
        case = Case(policy=self.verification.policy, facts=facts)
        problems = case.frame_problems()
        if not problems:
            known, problems = read_facts(case, self._vocabulary)
        if problems:
            raise CaseError(None, problems)
        return self._compiled.decide(known) if self._compiled else self._solve(known)


OFTEN = 100
"""Cases decided by the solver before a version is compiled, while one case waits: to compile and prove it
takes as long as a few hundred."""


class Compiler:
    """Compiles the outcomes of one version, for the readings under which cases are often asked."""

    def __init__(self, policy: Policy, version: Version, vocabulary: Vocabulary) -> None:
        self._policy = policy
        self._version = version
        self._vocabulary = vocabulary
        self._asked: Counter[tuple[str, ...]] = Counter()
        self._made: dict[tuple[str, ...], CompiledOutcome | None] = {}

    def asked(self, readings: Mapping[str, str]) -> CompiledOutcome | None:
        """Return what decides a case under readings; None while they are seldom asked, or for good."""
        key = tuple(readings[name] for name in sorted(readings))
        if key not in self._made:
            self._asked[key] += 1
            if self._asked[key] <= OFTEN:
                return None
            try:
                self._made[key], _ = self._compiled(readings)
            except RecursionError:  # where the caller is deep already, there is no room now
                return None
        return self._made[key]

    def verify(self) -> Iterator[Verification]:
        """Compile and prove the version under the default readings, and each one chosen otherwise.

        Under the default readings, the answers of many cases at once are proved too.
        """
        defaults = self._policy.default_readings
        others = (
            {**defaults, name: choice}
            for name, reading in self._policy.readings.items()
            for choice in sorted(reading.choices)
            if choice != defaults[name]
        )
        columns = prove_many(self._policy, self._version, defaults, self._vocabulary)
        yield replace(self._compiled(defaults)[1], columns_proved=columns)
        for readings in others:
            yield self._compiled(readings)[1]

    def _compiled(self, readings: Mapping[str, str]) -> tuple[CompiledOutcome | None, Verification]:
        return compile_proved(self._policy, self._version, readings, self._vocabulary)
