"""One request: the policy, the date, and what is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from facts.errors import CaseError, did_you_mean
from facts.values import Known, ValueProblemError, read_value
from facts.vocabulary import Vocabulary

KEYS = ("id", "policy", "on", "facts", "records")
_MISNAMED = {
    "date": "on",
    "day": "on",
    "as_of": "on",
    "effective": "on",
    "version": "on",
    "fact": "facts",
    "case": "id",
    "record": "records",
}
"""Keys that say what another key is for; a case that has one of them is not what was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request to be decided under a policy as it stood on a date.

    `facts` maps names of the vocabulary to values in the JSON form; a fact left out, or None, is
    unknown. `on` is an ISO date; None means the day the case is decided. `records` is the patient's
    record in the JSON form, from which further facts are derived; None if there is none.
    """

    policy: str
    facts: Mapping[str, object] = field(default_factory=dict)
    on: str | date | None = None
    id: str | None = None
    records: Mapping[str, object] | None = None

    @staticmethod
    def from_json(raw: object) -> "Case":
        """Read the JSON form of a case. Raises CaseError with everything wrong with its frame."""
        if not isinstance(raw, Mapping):
            raise CaseError(None, ["expected an object with policy and facts"])
        problems = [problem for key in raw if (problem := _misnamed(str(key)))]
        identifier: Any = raw.get("id")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        given: dict[str, Any] = {key: raw.get(key) for key in ("policy", "facts", "on", "records")}
        case = Case(id=identifier, **given)
        problems += case.frame_problems()
        if problems:
            raise CaseError(identifier if isinstance(identifier, str) else None, problems)
        return case

    def frame_problems(self) -> list[str]:
        """Say what is wrong with the case apart from its facts: wrong types, and a wrong date."""
        problems = []
        if self.id is not None and not isinstance(self.id, str):
            problems.append("id: expected a text")
        if not isinstance(self.policy, str) or not self.policy:
            problems.append('policy: expected the number of a policy, such as "CP.PHAR.302"')
        try:
            read_date(self.on)
        except ValueError:
            problems.append("on: expected a date such as 2025-09-15")
        if not isinstance(self.facts, Mapping):
            problems.append("facts: expected an object of facts; {} if nothing is known")
        if self.records is not None and not isinstance(self.records, Mapping):
            problems.append("records: expected an object of lists of records")
        return problems


def _misnamed(key: str) -> str | None:
    """Say so if a key that is none of a case's is a misspelling of one, or asks what cannot be."""
    if key in KEYS:
        return None
    if key.lower() in ("reading", "readings"):
        return f"unknown key {key!r}: readings are chosen by the caller, not by a case"
    meant = _MISNAMED.get(key.lower()) or (key.lower() if key.lower() in KEYS else None)
    suggestion = f"; did you mean {meant!r}?" if meant else did_you_mean(key, KEYS)
    return f"unknown key {key!r}{suggestion}" if suggestion else None


def read_date(raw: str | date | None) -> str:
    """Turn a date into its ISO form, today if none is given. Raises ValueError."""
    if raw is None:
        return date.today().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()[:10]
    if not isinstance(raw, str) or date.fromisoformat(raw).isoformat() != raw:
        raise ValueError(raw)
    return raw


def is_date(text: str) -> bool:
    """Whether a text is a date in ISO form, such as 2025-09-15."""
    try:
        read_date(text)
    except ValueError:
        return False
    return True


def read_facts(case: Case, vocabulary: Vocabulary) -> tuple[dict[str, Known], list[str]]:
    """Read the facts of a case into typed values, and list every problem with them."""
    known: dict[str, Known] = {}
    problems: list[str] = []
    for name, raw in case.facts.items():
        fact = vocabulary.facts.get(name)
        if fact is None:
            meant = did_you_mean(str(name), vocabulary.facts)
            problems.append(f"fact {name!r} is not in the vocabulary{meant}")
            continue
        try:
            value = read_value(fact, raw)
        except ValueProblemError as problem:
            problems.extend(str(sentence) for sentence in problem.args)
        else:
            if value is not None:
                known[name] = value
    return dict(sorted(known.items())), problems
