"""What is known of one fact: typed values, read from and written to their JSON form.

A value says what the fact can still be. Unknown has no value: the fact is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import TypeAlias

from facts.errors import did_you_mean
from facts.vocabulary import Fact, Kind


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean is known."""

    value: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number lies between two ends, both included, in steps of its last decimal."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """A choice is one of these values."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Members:
    """A set has the included members and none of the excluded ones; the rest is unknown."""

    includes: frozenset[str]
    excludes: frozenset[str]


YES, NO = Truth(value=True), Truth(value=False)
_LISTS = (list, tuple, set, frozenset)
MOST_PROBLEMS = 20
"""Problems reported of one value."""

Known: TypeAlias = Truth | Bounds | OneOf | Members


class ValueProblemError(ValueError):
    """A value does not fit its fact; the arguments are the sentences that say why."""


def read_value(fact: Fact, raw: object) -> Known | None:
    """Read the JSON form of a value; None if it says nothing about the fact.

    Raises ValueProblemError with every reason why the value does not fit.
    """
    if raw is None:
        return None
    if fact.kind is Kind.BOOLEAN:
        if not isinstance(raw, bool):
            raise ValueProblemError(_expected(fact, "true or false", raw))
        return YES if raw else NO
    if fact.kind is Kind.NUMBER:
        return _read_number(fact, raw)
    if fact.kind is Kind.CHOICE:
        return _read_choice(fact, raw)
    return _read_set(fact, raw)


def _read_number(fact: Fact, raw: object) -> Bounds | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        steps = raw * 10**fact.decimals
        if fact.lowest <= steps <= fact.highest:
            return Bounds(steps, steps)
    if not isinstance(raw, Mapping):
        exact = _steps(fact, raw)
        return Bounds(exact, exact)
    _refuse_other_keys(fact, raw, ("at_least", "at_most"))
    if all(end is None for end in raw.values()):
        return None
    low = fact.lowest if raw.get("at_least") is None else _steps(fact, raw["at_least"])
    high = fact.highest if raw.get("at_most") is None else _steps(fact, raw["at_most"])
    if low > high:
        raise ValueProblemError(f"fact {fact.name!r}: at_least is above at_most")
    return Bounds(low, high)


def _steps(fact: Fact, raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise ValueProblemError(_expected(fact, f"a number of {fact.unit}", raw))
    number = Decimal(float.__repr__(raw)) if isinstance(raw, float) else Decimal(raw)
    if not number.is_finite():
        raise ValueProblemError(_expected(fact, f"a number of {fact.unit}", raw))
    lowest, highest = fact.number(fact.lowest), fact.number(fact.highest)
    if not lowest <= number <= highest:
        raise ValueProblemError(
            f"fact {fact.name!r}: expected {lowest} to {highest} {fact.unit}, "
            "and the number given is outside that range"
        )
    steps = fact.steps(number)
    if steps is None:
        places = "a whole number" if fact.decimals == 0 else f"at most {fact.decimals} decimal"
        raise ValueProblemError(f"fact {fact.name!r}: expected {places} of {fact.unit}")
    return steps


def _read_choice(fact: Fact, raw: object) -> OneOf | None:
    if isinstance(raw, str):
        if raw not in fact.known_values:
            listed = f"fact {fact.name!r}: expected one of {', '.join(fact.values)}"
            raise ValueProblemError(f"{listed}{_meant(fact, raw)}")
        return _the(raw) if len(fact.values) > 1 else None
    if isinstance(raw, Mapping):
        _refuse_other_keys(fact, raw, ("one_of",))
        if raw.get("one_of") is None:
            return None
        values = _names(fact, raw["one_of"], "value")
        if not values:
            raise ValueProblemError(f"fact {fact.name!r}: one_of lists no value")
    else:
        raise ValueProblemError(_expected(fact, f"one of {', '.join(fact.values)}", raw))
    return OneOf(values) if len(values) < len(fact.values) else None


@cache
def _the(value: str) -> OneOf:
    """Return the one value known of a choice; there are few, and each is made once."""
    return OneOf(frozenset([value]))


def _read_set(fact: Fact, raw: object) -> Members | None:
    if isinstance(raw, _LISTS):
        includes = _members(fact, raw)
        return Members(includes, fact.known_values - includes)
    if not isinstance(raw, Mapping):
        raise ValueProblemError(_expected(fact, "a list of members, or includes and excludes", raw))
    _refuse_other_keys(fact, raw, ("includes", "excludes"))
    includes = _members(fact, raw.get("includes"))
    excludes = _members(fact, raw.get("excludes"))
    both = sorted(includes & excludes)
    if both:
        raise ValueProblemError(
            f"fact {fact.name!r}: both included and excluded: {', '.join(both)}"
        )
    return Members(includes, excludes) if includes or excludes else None


def _members(fact: Fact, raw: object) -> frozenset[str]:
    return frozenset() if raw is None else _names(fact, raw, "member")


def _names(fact: Fact, raw: object, what: str) -> frozenset[str]:
    """Check a list of values or members; every one that is unknown is a problem of its own."""
    if not isinstance(raw, _LISTS):
        raise ValueProblemError(_expected(fact, f"a list of {what}s", raw))
    known = fact.known_values
    try:
        given = frozenset(raw)
    except TypeError:
        given = None
    if given is not None and given <= known:
        return given
    wrong = (
        (place, name)
        for place, name in enumerate(raw, start=1)
        if not (isinstance(name, str) and name in known)
    )
    problems = [
        f"fact {fact.name!r}: {what} {place} of {len(raw)} is none of {', '.join(fact.values)}"
        f"{_meant(fact, name)}"
        for place, name in islice(wrong, MOST_PROBLEMS)
    ]
    raise ValueProblemError(*problems)


def _meant(fact: Fact, name: object) -> str:
    """Suggest the option a brand or a code stands for, or the one spelt most like the name."""
    alias = fact.aliases.get(str(name).lower())
    return f"; did you mean {alias!r}?" if alias else did_you_mean(str(name), fact.values)


def _refuse_other_keys(fact: Fact, raw: Mapping[str, object], keys: tuple[str, ...]) -> None:
    problems = [
        f"fact {fact.name!r}: unknown key {key!r}{did_you_mean(str(key), keys)}"
        for key in raw
        if key not in keys
    ]
    if problems:
        raise ValueProblemError(*problems, f"fact {fact.name!r}: the keys are {' and '.join(keys)}")


def _expected(fact: Fact, wanted: str, raw: object) -> str:
    """Name the kind of thing given, never the thing itself: it may be a patient's."""
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        Decimal: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    given = kinds.get(type(raw), type(raw).__name__)
    return f"fact {fact.name!r}: expected {wanted}, got {given}"


def narrowed(one: Known, other: Known) -> Known | None:
    """Return what is known of a fact if two things are, or None if they contradict each other."""
    if isinstance(one, Truth) or isinstance(other, Truth):
        return one if one == other else None
    if isinstance(one, Bounds) and isinstance(other, Bounds):
        both = Bounds(max(one.low, other.low), min(one.high, other.high))
        return both if both.low <= both.high else None
    if isinstance(one, OneOf) and isinstance(other, OneOf):
        left = one.values & other.values
        return OneOf(left) if left else None
    if isinstance(one, Members) and isinstance(other, Members):
        members = Members(one.includes | other.includes, one.excludes | other.excludes)
        return None if members.includes & members.excludes else members
    return None


def case_form(fact: Fact, known: Known) -> object:
    """Return a value in the form that cases have in JSON."""
    if isinstance(known, Members):
        return {"includes": sorted(known.includes), "excludes": sorted(known.excludes)}
    return change_form(fact, known)


def change_form(fact: Fact, known: Known) -> object:
    """Return a value in the form that changes and reasons have in JSON.

    A boolean as it is, a number as its bounds, a choice as `one_of`, a set as the members to add
    and to remove. An end of a number that is an end of its range is left out.
    """
    if isinstance(known, Truth):
        return known.value
    if isinstance(known, OneOf):
        return {"one_of": sorted(known.values)}
    if isinstance(known, Members):
        return {"add": sorted(known.includes), "remove": sorted(known.excludes)}
    ends = {}
    if known.low > fact.lowest:
        ends["at_least"] = fact.number(known.low)
    if known.high < fact.highest:
        ends["at_most"] = fact.number(known.high)
    return ends
