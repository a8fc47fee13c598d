"""One request: the policy, the date, and what is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from facts.errors import CaseError, did_you_mean
from facts.values import Known, ValueProblemError, read_value
from facts.vocabulary import Vocabulary

KEYS = ("id", "policy", "on", "facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request to be decided under a policy as it stood on a date.

    `facts` maps names of the vocabulary to values in the JSON form; a fact left out, or None, is
    unknown. `on` is an ISO date; None means the day the case is decided.
    """

    policy: str
    facts: Mapping[str, object] = field(default_factory=dict)
    on: str | date | None = None
    id: str | None = None

    @staticmethod
    def from_json(raw: object) -> "Case":
        """Read the JSON form of a case. Raises CaseError with everything wrong with its frame."""
        if not isinstance(raw, Mapping):
            raise CaseError(None, ["expected an object with policy and facts"])
        problems = [
            f"unknown key {key!r}{meant}"
            for key in raw
            if key not in KEYS and (meant := did_you_mean(str(key), KEYS))
        ]
        identifier = raw.get("id")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        if identifier is not None and not isinstance(identifier, str):
            problems.append("id: expected a text")
            identifier = None
        policy = raw.get("policy")
        if not isinstance(policy, str):
            problems.append(
                'policy: expected the number of a policy as a text, such as "CP.PHAR.302"'
            )
            policy = ""
        on = raw.get("on")
        if on is not None and not isinstance(on, str):
            problems.append("on: expected a date such as 2025-09-15")
            on = None
        facts = raw.get("facts")
        if not isinstance(facts, Mapping):
            problems.append("facts: expected an object of facts; {} if nothing is known")
            facts = {}
        if problems:
            raise CaseError(identifier, problems)
        return Case(policy=policy, facts=facts, on=on, id=identifier)


def read_date(raw: str | date | None) -> str:
    """Turn a date into its ISO form, today if none is given. Raises ValueError."""
    if raw is None:
        return date.today().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()[:10]
    if date.fromisoformat(raw).isoformat() != raw:
        raise ValueError(raw)
    return raw


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
