"""Many cases at once: what one version answers under chosen readings, for columns of cases.

Each case has one bit, its lane, in integers that flow through the gates of the circuit or, where
facts are unknown, through decision diagrams of all that the answer is made of: a node lets a lane
through if one of the values that the case may have leads on. So what some completion derives, and
what every one does, is exact. Both are proved equal to the program before they are used.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from threading import Lock

from engine.circuit import Circuit, Literal, chosen
from engine.determination import OUTCOMES, Answer, Outcome, answered
from engine.diagram import TERMINALS, Diagrams, TooLargeError
from engine.inputs import Inputs
from engine.lanes import Columns, written
from engine.policy import Policy, Version
from engine.program import IMPOSSIBLE
from engine.solver import FAILURES, Derived, filling, limited_control, literals_of, load
from facts.vocabulary import Fact, Vocabulary

ANSWERED = frozenset({"answer", "applies", "approves", "states"})
"""The predicates that an answer is made of, beside its outcome."""


class ManyCases:
    """The answers of one version under chosen readings. May be shared between threads."""

    def __init__(
        self,
        policy: Policy,
        version: Version,
        readings: Mapping[str, str],
        vocabulary: Vocabulary,
        *,
        parts: bool = True,
    ) -> None:
        """Compile the version, the outcome alone or with the other parts of an answer."""
        answered = ANSWERED if parts else frozenset[str]()
        program = version.program
        self._of = (policy, version, readings)
        self.inputs = Inputs(program, vocabulary.facts)
        self._circuit = circuit = Circuit(program, self.inputs)
        derivation = circuit.derive(program, chosen(policy, readings))
        self._always = frozenset(atom for atom in program.facts if atom[0] in answered)
        self._pathways = frozenset(str(section) for _, section in program.arguments("pathway"))
        self._atoms = sorted((atom for atom in program.atoms if atom[0] in answered), key=str)
        valid = -circuit.any_of(map(derivation.literal, program.possible(IMPOSSIBLE)))
        outcomes = [derivation.literal(("outcome", outcome.value)) for outcome in OUTCOMES]
        derived = [*map(derivation.literal, self._atoms)]
        not_one = circuit.any_of([-circuit.any_of(outcomes), circuit.at_least(2, outcomes)])
        self._not_one = len(OUTCOMES) + len(derived)
        """The place of what tells that a case gets no outcome, or several."""
        said = (*outcomes, *derived, not_one, *(-literal for literal in derived))
        self._answered = [circuit.all_of([valid, literal]) for literal in said]
        self.of_complete = written(circuit, self._answered)
        """From columns of complete cases, and a one for each, to lanes for what is answered of them,
        as bits for `answer`."""
        self._lock = Lock()
        self._partly_known: PartlyKnown | None = None
        self._too_large = False

    def partly_known(self) -> "PartlyKnown | None":
        """Return what answers cases with unknown facts, made and checked when it is first asked for.

        None where that would be too large, or a check fails.
        """
        with self._lock:
            if self._partly_known is None and not self._too_large:
                with suppress(TooLargeError, RecursionError, MemoryError):
                    made = PartlyKnown(self._circuit, self._answered)
                    self._partly_known = made if made.are_right() else None
                self._too_large = self._partly_known is None
            return self._partly_known

    def outcomes(self, answered: Sequence[int], ones: int) -> tuple[int, ...]:
        """Return the lanes of the cases approved, referred and denied; the others pend.

        `answered` is what `of_complete` or `PartlyKnown.answered` gives.
        """
        approve, refer, deny, not_one = (*answered[: len(OUTCOMES)], answered[self._not_one])
        return tuple(
            only & (ones ^ (one | other | not_one))
            for only, one, other in (
                (approve, refer, deny),
                (refer, approve, deny),
                (deny, approve, refer),
            )
        )

    def answer(self, bits: int) -> Answer:
        """Return the answer to a case, given its bit of each lane, the first as the lowest."""
        end = self._not_one
        possible = [outcome for place, outcome in enumerate(OUTCOMES) if bits >> place & 1]
        if not possible or bits >> end & 1:
            return Answer(outcome=Outcome.PEND)
        some, every = set(self._always), set(self._always)
        for place, atom in enumerate(self._atoms):
            if bits >> (len(OUTCOMES) + place) & 1:
                some.add(atom)
                if not bits >> (end + 1 + place) & 1:
                    every.add(atom)
        return answered(possible, Derived(frozenset(some), frozenset(every)), self._pathways)

    def equals(self) -> bool:
        """Prove that the program answers the same, in every complete case under the readings.

        One question to the solver: is there a case in which circuit and program differ?
        """
        policy, version, readings = self._of
        program = version.program
        control = limited_control()
        with filling(control) as backend:
            numbers = load(backend, program, {})
            own = literals_of(backend, program, numbers)
            differs, impossible, not_one = (backend.add_atom() for _ in range(3))
            outcomes = [own(("outcome", outcome.value)) for outcome in OUTCOMES]
            backend.add_rule([not_one], [-outcome for outcome in outcomes])
            backend.add_weight_rule([not_one], 2, [(outcome, 1) for outcome in outcomes])
            for atom in program.possible(IMPOSSIBLE):
                backend.add_rule([impossible], [own(atom)])
            given = [*outcomes, *map(own, self._atoms), not_one]
            failing = [-truth for truth in given[len(OUTCOMES) : -1]]
            own_literal = self._circuit.write(backend, numbers)
            for literal, truth in zip(self._answered, [*given, *failing], strict=True):
                answered = backend.add_atom()
                backend.add_rule([answered], [truth, -impossible])
                backend.add_rule([differs], [own_literal(literal), -answered])
                backend.add_rule([differs], [-own_literal(literal), answered])
            for atom, literal in chosen(policy, readings).items():
                backend.add_rule([], [-own(atom) if literal > 0 else own(atom)])
        # With a case at all, that none differs says something.
        return (
            control.solve().satisfiable is True
            and control.solve(assumptions=[differs]).unsatisfiable is True
        )


class PartlyKnown:
    """The answers of `ManyCases` to cases with unknown facts, through diagrams that share nodes."""

    def __init__(self, circuit: Circuit, literals: Sequence[Literal]) -> None:
        """Make the diagrams of literals of a circuit. Raises TooLargeError."""
        self._diagrams = Diagrams(circuit, literals)
        self._nodes, self._roots = self._diagrams.together()

    def answered(self, columns: Columns, ones: int) -> list[int]:
        """Return lanes for what is answered, as bits for `ManyCases.answer`."""
        held = [0] * TERMINALS
        held[1] = ones
        for place, children in self._nodes:
            lanes = 0
            for having, child in zip(columns[place], children, strict=True):
                lanes |= having & held[child]
            held.append(lanes)
        return [held[root] for root in self._roots]

    def are_right(self) -> bool:
        """Check the diagrams against the gates of the circuit (`Diagrams.are_right`)."""
        return self._diagrams.are_right()


class ManyPolicies:
    """The outcomes of several policies for complete cases, through one circuit that they share.

    Cases are columns over `inputs`, the facts that any of the policies asks for. What two policies
    ask alike is computed once.
    """

    def __init__(
        self, of: Sequence[tuple[Policy, Version, Mapping[str, str]]], vocabulary: Vocabulary
    ) -> None:
        """`of` are versions with all their readings chosen."""
        shared = Inputs.shared(version.program for _, version, _ in of)
        self.inputs = Inputs(shared, vocabulary.facts)
        circuit = Circuit(shared, self.inputs)
        literals: list[Literal] = []
        for policy, version, readings in of:
            program = version.program
            derivation = circuit.derive(program, chosen(policy, readings))
            impossible = circuit.any_of(map(derivation.literal, program.possible(IMPOSSIBLE)))
            outcomes = [derivation.literal(("outcome", outcome.value)) for outcome in OUTCOMES]
            not_one = circuit.any_of([-circuit.any_of(outcomes), circuit.at_least(2, outcomes)])
            pend = circuit.any_of([impossible, not_one])
            literals += (circuit.all_of([-pend, literal]) for literal in outcomes)
        self._evaluate = written(circuit, literals)

    def outcomes(self, columns: Columns, ones: int) -> list[tuple[int, ...]]:
        """Return, for each policy, the lanes of the cases it approves, refers and denies."""
        found = self._evaluate(columns, ones)
        step = len(OUTCOMES)
        return [tuple(found[at : at + step]) for at in range(0, len(found), step)]


def proved_many(
    policy: Policy,
    version: Version,
    readings: Mapping[str, str],
    vocabulary: Vocabulary,
    *,
    parts: bool = True,
) -> ManyCases | None:
    """Compile a version and prove it; None where the proof fails.

    What was proved before in this process is kept, under a hash of all that it depends on.
    """
    key = f"{content_hash(policy, version, readings, vocabulary)} {parts}"
    if key not in _proved:
        try:
            made = ManyCases(policy, version, readings, vocabulary, parts=parts)
            proved = made.equals()
        except (RecursionError, *FAILURES):
            return None
        with _keeping:
            while len(_proved) >= MOST_KEPT:
                del _proved[next(iter(_proved))]
            _proved[key] = made if proved else None
        return made if proved else None
    return _proved.get(key)


def prove_many(
    policy: Policy, version: Version, readings: Mapping[str, str], vocabulary: Vocabulary
) -> bool | None:
    """Compile and prove the answers of a version; None where they are too large if facts are unknown."""
    with suppress(RecursionError, *FAILURES):
        made = ManyCases(policy, version, readings, vocabulary)
        if made.equals():
            return True if made.partly_known() else None
    return False


MOST_KEPT = 64
"""Versions kept once proved; the oldest go first."""
_proved: dict[str, ManyCases | None] = {}
_keeping = Lock()


def content_hash(
    policy: Policy, version: Version, readings: Mapping[str, str], vocabulary: Vocabulary
) -> str:
    """Return a hash of all that the answers of a version depend on.

    That is its ground program, its readings, and the vocabulary of facts.
    """
    program = version.program
    stated = (
        [(rule.choice, rule.head, rule.body, rule.bound) for rule in program.rules],
        sorted(program.atoms.items(), key=str),
        sorted(program.facts, key=str),
        (policy.number, version.start, version.until, sorted(readings.items())),
        [_stated(fact) for _, fact in sorted(vocabulary.facts.items())],
    )
    return sha256(repr(stated).encode()).hexdigest()


def _stated(fact: Fact) -> tuple[object, ...]:
    """Return what the vocabulary says of the values of a fact, always in one order."""
    return (
        *(fact.name, fact.kind.value, fact.lowest, fact.highest, fact.decimals, fact.values),
        *(fact.changer.value, fact.grows, sorted(fact.passing), sorted(fact.aliases.items())),
    )
