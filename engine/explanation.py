"""Explanations: what would change an outcome, why it is what it is, and what is missing.

docs/semantics.md states what each part means. Values are those of `facts.values`: in a change,
`Members` are the members to add and to remove.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.determination import Determination, Outcome, Status
from engine.goals import Want
from facts.values import Known, change_form
from facts.vocabulary import NO_VOCABULARY, Changer, Fact, Vocabulary


@dataclass(frozen=True, slots=True)
class Change:
    """A minimal set of facts that, being so, lead to what is wanted, whatever else is unknown.

    Every value within `facts` does it. `establishes` are the facts that may be so already: what is
    known leaves it open. `alters` are those that are known to be otherwise; of these, `undoes` are
    the ones that time cannot bring back, so only a correction of the record could. `effort` is what
    the hardest of them takes. `sections` are the criteria whose status the change moves.
    """

    facts: Mapping[str, Known]
    effort: Changer
    sections: tuple[str, ...] = ()
    establishes: tuple[str, ...] = ()
    alters: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A minimal set of known facts that guarantee the outcome, with the criteria they settle."""

    facts: Mapping[str, Known]
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """The fact to ask for next; `settles` estimates how much of what is open its answer settles.

    0 is nothing, 1 everything: the share by which the answer is expected to reduce the chance that
    two completions of the case, drawn at random, differ in their outcome.
    """

    fact: str
    question: str
    settles: float


@dataclass(frozen=True, slots=True)
class Move:
    """A criterion that stands otherwise; None where the other text does not have it."""

    section: str
    text: str
    before: Status | None
    after: Status | None


@dataclass(frozen=True, slots=True)
class UnderReading:
    """The outcome under one choice of a reading, all others as they are."""

    name: str
    sections: tuple[str, ...]
    question: str
    choice: str
    text: str
    chosen: bool
    outcome: Outcome
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class UnderVersion:
    """The outcome under one dated version of the policy."""

    version: str
    until: str | None
    status: str
    note: str
    current: bool
    outcome: Outcome
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What can be said of a case beside its determination.

    `known` is what the case says. With `only`, changes, reasons and answers are limited to some
    facts and members. `reached` says that the case has what is wanted already; then there are no changes. Where no
    obtainable change exists, `in_the_way` lists minimal sets of fixed facts that would have to be
    otherwise. `matter` are the unknown facts that can still matter, with their members where they
    are sets, and `cannot_matter` the unknown facts the policy looks at that cannot. `limits` says
    where a limit cut the lists short; `complete` is true if none did.
    """

    determination: Determination
    want: Want
    known: Mapping[str, Known] = field(default_factory=dict)
    only: tuple[str, ...] | None = None
    reached: bool = False
    changes: tuple[Change, ...] = ()
    in_the_way: tuple[tuple[str, ...], ...] = ()
    reasons: tuple[Reason, ...] = ()
    approve_if: tuple[Change, ...] = ()
    cannot_matter: tuple[str, ...] = ()
    next_question: Question | None = None
    limits: tuple[str, ...] = ()
    readings: tuple[UnderReading, ...] | None = None
    history: tuple[UnderVersion, ...] | None = None
    vocabulary: Vocabulary = field(default=NO_VOCABULARY, repr=False, compare=False)

    @property
    def complete(self) -> bool:
        """Whether every list is whole."""
        return not self.limits

    def to_json(self) -> dict[str, object]:
        """Return the JSON form, as docs/semantics.md lists it."""
        answer, facts = self.determination, self.vocabulary.facts
        form: dict[str, object] = {
            "id": answer.id,
            "policy": answer.policy,
            "version": answer.version,
            "on": answer.on,
            "outcome": answer.outcome.value,
            "want": str(self.want),
            "only": None if self.only is None else list(self.only),
            "reached": self.reached,
            "changes": [_change(change, facts) for change in self.changes],
            "in_the_way": [list(facts) for facts in self.in_the_way],
            "reasons": [
                {"facts": _facts(reason.facts, facts), "sections": list(reason.sections)}
                for reason in self.reasons
            ],
            "approve_if": [_change(change, facts) for change in self.approve_if],
            "matter": list(answer.unknown_that_matter),
            "matter_members": {
                fact: list(members) for fact, members in answer.unknown_members.items()
            },
            "cannot_matter": list(self.cannot_matter),
            "next_question": self.next_question
            and {
                "fact": self.next_question.fact,
                "question": self.next_question.question,
                "settles": round(self.next_question.settles, 3),
            },
            "needs_clinician": answer.needs_clinician,
            "complete": self.complete,
            "limits": list(self.limits),
            **(answer.derivation.to_json() if answer.derivation else {}),
        }
        if self.readings is not None:
            form["readings"] = [
                {
                    "name": reading.name,
                    "sections": list(reading.sections),
                    "question": reading.question,
                    "choice": reading.choice,
                    "text": reading.text,
                    "chosen": reading.chosen,
                    "outcome": reading.outcome.value,
                    "moves": [_move(move) for move in reading.moves],
                }
                for reading in self.readings
            ]
        if self.history is not None:
            form["history"] = [
                {
                    "version": version.version,
                    "until": version.until,
                    "status": version.status,
                    "note": version.note,
                    "current": version.current,
                    "outcome": version.outcome.value,
                    "moves": [_move(move) for move in version.moves],
                }
                for version in self.history
            ]
        return form


def _change(change: Change, facts: Mapping[str, Fact]) -> dict[str, object]:
    return {
        "facts": _facts(change.facts, facts),
        "effort": change.effort.value,
        "sections": list(change.sections),
        "establishes": list(change.establishes),
        "alters": list(change.alters),
        "undoes": list(change.undoes),
    }


def _facts(known: Mapping[str, Known], facts: Mapping[str, Fact]) -> dict[str, object]:
    return {name: change_form(facts[name], value) for name, value in known.items()}


def _move(move: Move) -> dict[str, object]:
    return {
        "section": move.section,
        "text": move.text,
        "before": move.before and move.before.value,
        "after": move.after and move.after.value,
    }
