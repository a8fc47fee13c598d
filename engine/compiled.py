"""Compiled outcomes: one version under chosen readings as decision diagrams, proved equal to it.

The ground program stays the only source of truth. From its circuit come two diagrams: which outcomes
a complete case gets, and whether it is free of contradictions. Before they are used, one question to
the solver proves that they say the same as the program in every complete case. What is too large, or
is not proved, is decided by the solver itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import clingo

from engine.circuit import Circuit, chosen
from engine.determination import OUTCOMES, Outcome
from engine.diagram import TERMINALS, Diagram, Diagrams, TooLargeError
from engine.inputs import Inputs
from engine.policy import Policy, Version
from engine.program import IMPOSSIBLE, Atom
from engine.solver import FAILURES, filling, limited_control, load, renumbered
from facts.values import Known
from facts.vocabulary import Vocabulary

VALID = 1
"""The terminal for cases without contradictions."""
_SETTLED = {1 << place: outcome for place, outcome in enumerate(OUTCOMES)}
"""The terminals with one outcome; a faulty policy gives some cases none, or several."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a version under chosen readings is compiled, and proved to decide as its program does.

    `readings` are those chosen otherwise than by default; `nodes` those of the diagrams, None where
    they would be too large. What is not proved is decided by the solver.
    """

    policy: str
    version: str
    readings: Mapping[str, str]
    nodes: int | None
    proved: bool

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "policy": self.policy,
            "version": self.version,
            "readings": dict(self.readings),
            "nodes": self.nodes,
            "proved": self.proved,
        }


@dataclass(frozen=True, slots=True)
class CompiledOutcome:
    """The outcome of one version under chosen readings. May be shared between threads."""

    inputs: Inputs
    outcome: Diagram
    valid: Diagram

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
        outcomes = (derivation.literal(("outcome", outcome.value)) for outcome in OUTCOMES)
        diagrams = Diagrams(circuit, [*outcomes, -impossible])
        *each, valid = diagrams.roots
        return CompiledOutcome(
            inputs, diagrams.diagram(diagrams.joint(*each)), diagrams.diagram(valid)
        )

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.outcome.nodes) + len(self.valid.nodes)

    def decide(self, known: Mapping[str, Known]) -> Outcome:
        """Return the one outcome of all completions without contradictions, or pend."""
        possible = [domain.all for domain in self.inputs.domains]
        self.inputs.confine(possible, known)
        if VALID not in self.valid.reached(possible):
            return Outcome.PEND
        ends = self.outcome.reached(possible)
        if len(ends) > 1:
            ends = self.outcome.reached_with(self.valid, VALID, possible, most=2)
        return _SETTLED.get(ends.pop(), Outcome.PEND) if len(ends) == 1 else Outcome.PEND

    def equals(self, policy: Policy, version: Version, readings: Mapping[str, str]) -> bool:
        """Prove that a version decides the same in every complete case under the readings chosen.

        One question to the solver: is there a case in which a diagram ends elsewhere than the
        program says?
        """
        program = version.program
        control = limited_control()
        with filling(control) as backend:
            numbers = load(backend, program, {})
            always = backend.add_atom()
            backend.add_rule([always])

            def own(atom: Atom) -> int:
                if atom in program.facts:
                    return always
                return numbers[program.atoms[atom]] if atom in program.atoms else -always

            def walk(diagram: Diagram) -> Sequence[int]:
                """Add the walk of a case through a diagram; return an atom for each terminal."""
                ends = [backend.add_atom() for _ in range(TERMINALS)]
                reached = dict(enumerate(ends)) | {
                    each: backend.add_atom() for each in diagram.nodes
                }
                backend.add_rule([reached[diagram.root]])
                for number, node in diagram.nodes.items():
                    domain = self.inputs.domains[node.place]
                    for value, child in enumerate(node.children):
                        having = renumbered(domain.literals(1 << value), numbers)
                        backend.add_rule([reached[child]], [reached[number], *having])
                return ends

            differs, ends = backend.add_atom(), walk(self.outcome)
            for place, outcome in enumerate(OUTCOMES):
                _tell_apart(
                    backend,
                    differs,
                    [end for at, end in enumerate(ends) if at >> place & 1],
                    [own(("outcome", outcome.value))],
                )
            _tell_apart(
                backend,
                differs,
                [end for at, end in enumerate(walk(self.valid)) if at != VALID],
                [own(atom) for atom in program.possible(IMPOSSIBLE)],
            )
            for atom, literal in chosen(policy, readings).items():
                backend.add_rule([], [-own(atom) if literal > 0 else own(atom)])
        # With a case at all, that none differs says something.
        return (
            control.solve().satisfiable is True
            and control.solve(assumptions=[differs]).unsatisfiable is True
        )


def _tell_apart(
    backend: clingo.Backend, differs: int, one: Iterable[int], other: Iterable[int]
) -> None:
    """Let an atom hold where some of one, but none of the other literals hold, or conversely."""
    some = []
    for literals in (one, other):
        some.append(backend.add_atom())
        for literal in literals:
            backend.add_rule([some[-1]], [literal])
    backend.add_rule([differs], [some[0], -some[1]])
    backend.add_rule([differs], [-some[0], some[1]])


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
    verification = Verification(policy.number, version.start, otherwise, made.nodes, proved)
    return (made if proved else None), verification


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
        """Compile and prove the version under the default readings, and each one chosen otherwise."""
        defaults = self._policy.default_readings
        others = (
            {**defaults, name: choice}
            for name, reading in self._policy.readings.items()
            for choice in sorted(reading.choices)
            if choice != defaults[name]
        )
        for readings in (defaults, *others):
            yield self._compiled(readings)[1]

    def _compiled(self, readings: Mapping[str, str]) -> tuple[CompiledOutcome | None, Verification]:
        return compile_proved(self._policy, self._version, readings, self._vocabulary)
