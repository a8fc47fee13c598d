"""What was derived from a patient's records: facts with their grounds, cautions, and problems.

It comes with a determination; the facts decide it as if they had been stated, the cautions never do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from facts.values import Known


@dataclass(frozen=True, slots=True)
class Source:
    """A section of a policy or reference that something rests on."""

    document: str
    section: str


@dataclass(frozen=True, slots=True)
class RuleUsed:
    """A rule of derivation, with what it does in our words and the sections it rests on."""

    name: str
    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class DerivedFact:
    """What records show of a fact; `stated` is the same in the JSON form of a case.

    `records` names the records it rests on: "therapies 2" is the second of that list.
    """

    fact: str
    value: Known
    stated: object
    records: tuple[str, ...]
    rules: tuple[RuleUsed, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to look at before the drug is given; it decides nothing.

    `kind` is hold, start_later, reduce, interaction or pregnancy_prevention. What is not `certain`
    may apply: what is on record leaves it open.
    """

    kind: str
    text: str
    certain: bool
    records: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """A record that cannot be so, with the field that does not fit; nothing was derived from it."""

    record: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Records show of a fact what cannot hold together, or what the case asserts otherwise."""

    fact: str
    message: str


@dataclass(frozen=True, slots=True)
class Derivation:
    """All that was derived from the records of one case."""

    facts: tuple[DerivedFact, ...] = ()
    cautions: tuple[Caution, ...] = ()
    problems: tuple[RecordProblem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    known: Mapping[str, Known] = field(default_factory=dict)
    """What the case asserts and its records show, together."""

    def to_json(self) -> dict[str, object]:
        """Return the keys that a determination of a case with records has besides."""
        return {
            "derived": [
                {
                    "fact": derived.fact,
                    "value": derived.stated,
                    "records": list(derived.records),
                    "rules": [
                        {
                            "name": rule.name,
                            "text": rule.text,
                            "sources": [_source(source) for source in rule.sources],
                        }
                        for rule in derived.rules
                    ],
                }
                for derived in self.facts
            ],
            "cautions": [
                {
                    "kind": caution.kind,
                    "text": caution.text,
                    "certain": caution.certain,
                    "records": list(caution.records),
                    "source": _source(caution.source),
                }
                for caution in self.cautions
            ],
            "record_problems": [
                {"record": problem.record, "field": problem.field, "message": problem.message}
                for problem in self.problems
            ],
        }


def _source(source: Source) -> dict[str, str]:
    return {"document": source.document, "section": source.section}
