"""Cases as rows: their facts, what is decided of them, and what would change it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.derived import Derivation
from engine.determination import CriterionStatus, Determination, Outcome, Status
from engine.explanation import Explanation
from engine.relation import Row
from engine.relations.values import compared_numbers, compared_values
from facts.case import Case
from facts.values import Bounds, Known, Members, OneOf
from facts.vocabulary import Vocabulary

Told: TypeAlias = tuple[str, Row]
"""The name of a relation, and a row of it."""


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A case under the name it has in a query, with what is known of it and its policy's version."""

    name: str
    case: Case
    date: str
    version: str
    known: Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class Deciding:
    """How cases are decided: the outcome alone, the whole determination, and its explanation."""

    outcome: Callable[[Case], Outcome]
    determine: Callable[[Case], Determination]
    explain: Callable[[Case], Explanation]


class CaseRows:
    """The rows of the relations on cases.

    What takes long is done when a relation that needs it is first asked for: determinations take
    some thousandths of a second a case, and explanations tenths. `unreadable` are names of cases
    that could not be read, with the reason.
    """

    def __init__(
        self,
        cases: Sequence[ReadCase],
        unreadable: Iterable[tuple[str, str]],
        vocabulary: Vocabulary,
        deciding: Deciding,
    ) -> None:
        self._cases = cases
        self._unreadable = frozenset(unreadable)
        self._vocabulary = vocabulary
        self._deciding = deciding
        self._made: dict[str, frozenset[Row]] = {}

    def rows(self, name: str) -> frozenset[Row]:
        """Return the rows of a relation on cases."""
        if name == "unreadable":
            return self._unreadable
        if name not in self._made:
            names, tell = self._teller(name)
            told: dict[str, set[Row]] = {each: set() for each in names}
            for case in self._cases:
                for relation, row in tell(case):
                    told[relation].add(row)
            self._made.update((relation, frozenset(rows)) for relation, rows in told.items())
        return self._made[name]

    def _teller(self, name: str) -> tuple[Sequence[str], Callable[[ReadCase], Iterator[Told]]]:
        """Return the relations that are made with one, and what tells their rows of a case."""
        if name in _DETERMINED:
            return _DETERMINED, lambda case: _determined(
                case.name, self._deciding.determine(case.case)
            )
        if name in _EXPLAINED:
            return _EXPLAINED, lambda case: self._explained(
                case.name, self._deciding.explain(case.case)
            )
        tell: Mapping[str, Callable[[ReadCase], Iterable[Row]]] = {
            "case": lambda case: [(case.case.policy, case.date)],
            "known_value": lambda case: compared_values(case.known),
            "known_number": lambda case: compared_numbers(case.known, self._vocabulary.facts),
            "unknown": self._unknown,
            "determined": lambda case: [
                (case.case.policy, case.version, self._deciding.outcome(case.case).value)
            ],
        }
        return [name], lambda case: ((name, (case.name, *row)) for row in tell[name](case))

    def _unknown(self, case: ReadCase) -> Iterator[Row]:
        for fact in self._vocabulary.facts:
            if fact not in case.known or not self._is_settled(fact, case.known[fact]):
                yield (fact,)

    def _is_settled(self, fact: str, known: Known) -> bool:
        match known:
            case Bounds(low, high):
                return low == high
            case OneOf(values):
                return len(values) == 1
            case Members(includes, excludes):
                return includes | excludes == self._vocabulary.facts[fact].known_values
        return True

    def _explained(self, name: str, explanation: Explanation) -> Iterator[Told]:
        for limit in explanation.limits:
            yield "incomplete", (name, limit)
        for number, found in enumerate(explanation.changes, start=1):
            change = f"{name}:{number}"
            yield "change", (name, change, found.effort.value)
            for value in compared_values(found.facts):
                yield "change_value", (name, change, *value)
            for compared in compared_numbers(found.facts, self._vocabulary.facts):
                yield "change_number", (name, change, *compared)


_EXPLAINED = ("change", "change_value", "change_number", "incomplete")
_DETERMINED = (
    *("possible", "answered", "authorized", "status", "failed"),
    *("matters", "depends_on", "problem", "derived", "drawn_from", "caution"),
)


def _determined(name: str, answer: Determination) -> Iterator[Told]:
    for outcome in answer.possible:
        yield "possible", (name, outcome.value)
    parts = {"basis": answer.basis, "pathway": answer.pathways, "refer_to": answer.refer_to}
    for part, values in parts.items():
        for value in values:
            yield "answered", (name, part, value)
    for months in answer.authorization.months:
        if months is not None:
            yield "authorized", (name, months)
    pathways = _pathways(answer)
    for root in (*pathways, *answer.routing):
        for node in _below(root):
            yield "status", (name, node.section, node.status.value)
    for pathway in pathways:
        for section in _failed(pathway):
            yield "failed", (name, pathway.section, section)
    for fact in answer.unknown_that_matter:
        yield "matters", (name, fact)
    for reading in answer.readings:
        yield "depends_on", (name, reading.name, reading.other, reading.outcome.value)
    for problem in answer.problems:
        yield "problem", (name, problem.kind, problem.message)
    if answer.derivation is not None:
        yield from _derived(name, answer.derivation)


def _derived(name: str, derivation: Derivation) -> Iterator[Told]:
    for fact in derivation.facts:
        for rule in fact.rules:
            yield "derived", (name, fact.fact, rule.name)
        for record in fact.records:
            yield "drawn_from", (name, fact.fact, record)
    for caution in derivation.cautions:
        certainty = "certain" if caution.certain else "possible"
        place = (caution.source.document, caution.source.section)
        yield "caution", (name, caution.kind, certainty, *place, caution.text)


def _pathways(answer: Determination) -> Sequence[CriterionStatus]:
    """Return the trees of the pathways, without the root above several of them."""
    root = answer.criteria
    return root.parts if root.section == answer.policy else [root]


def _below(node: CriterionStatus) -> Iterator[CriterionStatus]:
    yield node
    for part in node.parts:
        yield from _below(part)


def _failed(node: CriterionStatus) -> Iterator[str]:
    """Yield the deepest criteria that are not met and that all above them need."""
    if node.status is not Status.NOT_MET:
        return
    needed = node.parts if node.needs == "all" else ()
    yield from [each for part in needed for each in _failed(part)] or [node.section]
