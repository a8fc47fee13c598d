"""The database: relations whose rows are derived, topic by topic, when they are first asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from engine.analysis.analyst import Analyst
from engine.analysis.finding import Finding
from engine.analysis.subject import Stated
from engine.loading import Library
from engine.policy import Policy, Version
from engine.relation import Relation, Row, Value
from engine.relations.cases import CaseRows
from engine.relations.definitions import domains, relations, topics
from engine.relations.derivation import Given, derived
from engine.relations.effects import given_changes, given_reading_effects
from engine.relations.findings import given_findings
from engine.relations.routes import given_grounds, given_routes
from engine.relations.statements import (
    LINE_OF_BUSINESS,
    Text,
    listed_regimens,
    possibly_stated,
    possibly_used,
    rules,
    stated,
)
from facts.errors import PolicygroundsError

CASES = "cases"


class NoCasesError(PolicygroundsError):
    """A query asks about cases, and none were given."""

    def __init__(self, relation: str) -> None:
        self.relation = relation
        super().__init__(f"relation {relation!r} is about cases, and no cases were given")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a database is of: a day, the readings of each policy as chosen, and who analyses them.

    `check` finds what is wrong with a policy in a version, and `accepted` returns what is accepted
    of that: by id, the reason and the date.
    """

    day: str
    readings: Mapping[str, Mapping[str, str]]
    analyst: Analyst
    check: Callable[[Policy], Iterable[Finding]]
    accepted: Callable[[Policy], Mapping[str, tuple[str, str]]]


class Relations:
    """All relations of a knowledge base, and those on cases if there are some.

    Rows are derived when they are first asked for: those of documents, requirements and evidence
    take a second or two, those of routes, findings and changes several. Not safe to share between
    threads.
    """

    def __init__(self, library: Library, asked: Asked, cases: CaseRows | None = None) -> None:
        self._library = library
        self._asked = asked
        self._cases = cases
        self._derived: dict[str, Mapping[str, frozenset[Row]]] = {}
        self._topic_of = {
            relation.name: topic.name for topic in topics().values() for relation in topic.relations
        }

    def about(self, cases: CaseRows) -> "Relations":
        """Return the same relations, on some cases; what was derived is not derived again."""
        other = copy(self)
        other._cases = cases  # noqa: SLF001  (its own, and not yet given away)
        return other

    @property
    def relations(self) -> Mapping[str, Relation]:
        """All relations, by name."""
        return relations()

    def rows(self, name: str) -> frozenset[Row]:
        """Return the rows of a relation.

        Raises NoCasesError for a relation on cases if there are none, and PolicygroundsError if a
        limit was met on the way.
        """
        topic = self._topic_of[name]
        if topic == CASES:
            if self._cases is None:
                raise NoCasesError(name)
            return self._cases.rows(name)
        if topic not in self._derived:
            self._derived[topic] = derived(topics()[topic], self._given(topic))
        return self._derived[topic][name]

    def values(self, domain: str) -> frozenset[Value]:
        """Return the values of a domain; none of cases where there are none."""
        found = domains()[domain]
        places = (
            (relation, place)
            for relation, place in found.columns
            if self._cases is not None or self._topic_of[relation] != CASES
        )
        held = (row[place] for relation, place in places for row in self.rows(relation))
        return frozenset({*found.words, *held})

    def _given(self, topic: str) -> Iterable[Given]:
        """Return what the relations of a topic are derived from."""
        asked = self._asked
        analyst, day, policies = asked.analyst, asked.day, self._library.policies.values()
        given: Mapping[str, Callable[[], Iterable[Given]]] = {
            "documents": self._documents,
            "requirements": self._requirements,
            "routes": self._routes,
            "grounds": lambda: _all(given_grounds(analyst, each, day) for each in self._current),
            "changes": lambda: _all(
                given_changes(analyst, policy, asked.readings[policy.number]) for policy in policies
            ),
            "findings": lambda: _all(
                given_findings(asked.check(each.policy), asked.accepted(each.policy))
                for each in self._current
            ),
            "reading_effects": lambda: _all(
                given_reading_effects(analyst, each) for each in self._current
            ),
            "evidence": lambda: chain(stated(self._references), possibly_used(self._references)),
            "vocabulary": lambda: (("stated", atom) for atom in self._library.words.facts),
        }
        return given[topic]()

    def _documents(self) -> Iterator[Given]:
        texts = [*self._policies, *self._references]
        yield "today", self._asked.day
        lines = self._library.vocabulary.facts.get(LINE_OF_BUSINESS)
        for line in lines.values if lines else ():
            yield "line", line
        yield from stated(texts)
        yield from possibly_stated(self._policies)
        yield from listed_regimens(texts)

    def _requirements(self) -> Iterator[Given]:
        for document, version, section, *_ in self.rows("section"):
            yield "there", document, version, section
        for document, version, section, _, part in self.rows("part"):
            yield "part_of", document, version, section, part
        yield from rules([*self._policies, *self._references])

    def _routes(self) -> Iterator[Given]:
        for each in self._current:
            yield from given_routes(self._asked.analyst, each, self._asked.day)
        for regimen, drug in self.rows("regimen"):
            yield "regimen", regimen, drug

    @cached_property
    def _current(self) -> list[Stated]:
        """The policies in their version in force on the day; none that has no such version."""
        return [
            Stated(policy, version, self._asked.readings[policy.number])
            for policy in self._library.policies.values()
            for version in policy.versions
            if version.covers(self._asked.day)
        ]

    @cached_property
    def _policies(self) -> list[Text]:
        return [
            self._text(policy.number, policy.drug, version, self._asked.readings[policy.number])
            for policy in self._library.policies.values()
            for version in policy.versions
        ]

    @cached_property
    def _references(self) -> list[Text]:
        return [
            self._text(reference.name, reference.subject, version, {})
            for reference in self._library.references.values()
            for version in reference.versions
        ]

    def _text(
        self, document: str, subject: str, version: Version, readings: Mapping[str, str]
    ) -> Text:
        return Text(document, subject, version, readings, self._library.vocabulary)


def _all(each: Iterable[Iterable[Given]]) -> Iterator[Given]:
    return chain.from_iterable(each)
