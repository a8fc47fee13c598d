"""Phrases that sentences are made of: lists, counts, and facts with their values.

The words are those of the vocabulary, so that facts of a policy of one's own read as well.
"""

import re
from collections.abc import Iterable, Sequence

from facts.values import Bounds, OneOf, Truth
from facts.vocabulary import Fact, Vocabulary
from queries.grouping import MOST_EXCEPTIONS, Place, Value

_FEWEST_CLOSED = 4
"""Members that a set must be without to be called closed; fewer are listed."""
_NAMES = ("Medicaid", "Waldenstrom")
"""Names that titles begin with; they keep their capital."""
_AFTER_HEAD = r" (?:a|an|at|by|each|for|from|given|in|of|on|that|the|to|with)\b| ?[(,]"
"""What ends the noun a title is about: "Completed lines" of therapy."""


def either(values: Sequence[str]) -> str:
    """Join alternatives: "a, b or c"."""
    return _joined(values, "or")


def both(values: Sequence[str]) -> str:
    """Join what goes together: "a, b and c"."""
    return _joined(values, "and")


def _joined(values: Sequence[str], word: str) -> str:
    *most, last = values
    return f"{', '.join(most)} {word} {last}" if most else last


def cited(sections: Sequence[str]) -> str:
    """Give sections in parentheses, after a space; nothing if there are none."""
    return f" ({', '.join(sections)})" if sections else ""


def counted(number: int, noun: str) -> str:
    """Give a number with its noun, in the plural unless it is one."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a regular noun: antibody, antibodies."""
    return re.sub(r"(?<=[^aeiou])y$", "ie", noun) + "s"


def capitalized(words: str) -> str:
    """Begin with a capital; the rest stays as it is."""
    return f"{words[:1].upper()}{words[1:]}"


def subject(fact: Fact) -> str:
    """Name a fact within a sentence: "the dose a week"."""
    return f"the {_within(fact.title)}"


def _within(title: str) -> str:
    """Begin with a small letter, unless the first word is an abbreviation."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def clause(fact: Fact, value: Value, vocabulary: Vocabulary, *, would: bool = False) -> str:
    """Say that a fact has a value: "the dose a week is at most 4 mg".

    With `would`: "the dose a week would have to be at most 4 mg".
    """
    several = re.search(r"(?<![siu])s$", _head(fact)) is not None
    be = "would have to be" if would else ("are" if several else "is")
    if isinstance(value, Truth):
        false = "false" if would else "not true"
        return f'"{fact.title}" {be if would else "is"} {"true" if value.value else false}'
    if isinstance(value, OneOf):
        named = [f'"{title}"' for title in _titles(fact, value.values)]
        return f"{subject(fact)} {be} {either(named)}"
    if isinstance(value, Bounds):
        if _counts_units(fact):
            there = be if would else ("is" if _one(fact, value) else "are")
            return f"there {there} {number_of_units(fact, value)}"
        return f"{subject(fact)} {be} {_number(fact, value)} {_unit(fact, value)}"
    include = "would have to include" if would else ("include" if several else "includes")
    return f"{subject(fact)} {_members(fact, value, vocabulary, be, include)}"


def trait(fact: Fact, value: Value, vocabulary: Vocabulary) -> str:
    """Say in a few words what sets patients apart: "age 18 or more", "with dexamethasone"."""
    if isinstance(value, Truth):
        return f"{_within(fact.title)}: {'yes' if value.value else 'no'}"
    if isinstance(value, OneOf):
        return f"{_within(fact.title)}: {one_of(fact, value)}"
    if isinstance(value, Bounds):
        if fact.name == "age":
            return f"age {_years(fact, value)}"
        counting = number_of_units(fact, value)
        return counting or f"{_within(fact.title)}: {_number(fact, value)} {_unit(fact, value)}"
    if fact.name == "regimen":
        return _members(fact, value, vocabulary, "with", "with").replace("with without", "without")
    return clause(fact, value, vocabulary).removeprefix("the ")


def one_of(fact: Fact, value: OneOf, noun: str = "") -> str:
    """Name the values of a choice within a sentence, or the one value that is left out."""
    out = fact.known_values - value.values
    if len(out) == 1 and len(value.values) > 2:
        return f"any {noun}{' ' if noun else ''}but {in_sentence(_titles(fact, out)[0])}"
    return either([in_sentence(title) for title in _titles(fact, value.values)])


def in_sentence(title: str) -> str:
    """Begin a title with a small letter, unless it begins with a name or an abbreviation."""
    named = title.startswith(_NAMES) or re.search(r" [A-Z][a-z]{2}", title) is not None
    return title if named else _within(title)


def _years(fact: Fact, value: Bounds) -> str:
    if value.low == value.high:
        return f"{fact.number(value.low)}"
    if value.high == fact.highest:
        return f"{fact.number(value.low)} or more"
    low = fact.number(value.low) if value.low > fact.lowest else None
    high = fact.number(value.high)
    return f"{high} or less" if low is None else f"{low} to {high}"


def number_of_units(fact: Fact, value: Bounds) -> str | None:
    """Put a number before a title that counts: "at least 2 completed lines of therapy".

    None if the title does not name the unit.
    """
    if not _counts_units(fact):
        return None
    unit = re.compile(rf"\b{re.escape(fact.unit)}\b")
    return f"{_number(fact, value)} {unit.sub(_unit(fact, value), _within(fact.title), count=1)}"


def _head(fact: Fact) -> str:
    return re.split(_AFTER_HEAD, fact.title)[0]


def _counts_units(fact: Fact) -> bool:
    return fact.unit in _head(fact).lower().split()


def _number(fact: Fact, value: Bounds) -> str:
    low, high = fact.number(value.low), fact.number(value.high)
    if value.low == value.high:
        return f"exactly {low}"
    if value.high == fact.highest:
        return f"at least {low}"
    return f"at most {high}" if value.low == fact.lowest else f"between {low} and {high}"


def _unit(fact: Fact, value: Bounds) -> str:
    return fact.unit.removesuffix("s") if _one(fact, value) else fact.unit


def _one(fact: Fact, value: Bounds) -> bool:
    """Whether the last number that is said is one."""
    return fact.number(value.low if value.high == fact.highest else value.high) == 1


def _titles(fact: Fact, options: Iterable[str]) -> list[str]:
    """List the titles of options, in the order of their names."""
    return [(fact.options or {}).get(option, option) for option in sorted(options)]


def _members(
    fact: Fact, places: Sequence[Place], vocabulary: Vocabulary, be: str, include: str
) -> str:
    """Say which members are in a set and which are not."""
    added = [place for place in places if place.adds]
    removed = [place for place in places if not place.adds]
    others = frozenset(fact.values).difference(*(place.members for place in places))
    single = all(len(place.members) == 1 for place in places)
    if single and len(removed) >= max(_FEWEST_CLOSED, len(others) + 1):
        noun = "drug" if vocabulary.drugs.keys() >= set(fact.values) else "member"
        return f"{be} {_closed(fact, added, others, noun)}"
    said = []
    if added:
        said.append(f"{include} {_included(fact, added, vocabulary, ends=not removed)}")
    if removed:
        said.append(f"{be} without {_excluded(fact, removed)}")
    return both(said)


def _closed(fact: Fact, added: Sequence[Place], others: frozenset[str], noun: str) -> str:
    """Say that a set holds some members alone, besides those that nothing is said of."""
    left = both(_titles(fact, others)) if others else ""
    if not added:
        return f"without any {noun} but {left}" if left else "empty"
    named = both([title for place in added for title in _titles(fact, place.members)])
    return f"exactly {named} (no other {noun}{f', {left} aside' if left else ''})"


def _included(fact: Fact, places: Sequence[Place], vocabulary: Vocabulary, *, ends: bool) -> str:
    """Name the members to add; what they are any one of stands last."""
    several = [place for place in places if len(place.members) > 1]
    named = [
        _any_of(fact, place, vocabulary, colon=ends and place in several and len(several) == 1)
        for place in places
    ]
    return both(named)


def _any_of(fact: Fact, place: Place, vocabulary: Vocabulary, *, colon: bool) -> str:
    """Name the one member at a place, or all that it can be."""
    titles = _titles(fact, place.members)
    if len(titles) == 1:
        return titles[0]
    for name, title in sorted(vocabulary.classes.items()):
        drugs = {drug.name for drug in vocabulary.drugs.values() if name in drug.classes}
        if drugs == place.members:
            listed = ", ".join(titles)
            return f"any {title}: {listed}" if colon else f"any {title} ({listed})"
        if drugs > place.members:
            return f"{either(titles)} ({plural(title)})"
    exceptions = _titles(fact, vocabulary.drugs.keys() - place.members)
    if len(exceptions) > MOST_EXCEPTIONS:
        return f"one of {both(titles)}"
    return f"any drug but {both(exceptions)}" if exceptions else "any drug"


def _excluded(fact: Fact, places: Sequence[Place]) -> str:
    """Name the members that a set is without, or at least one of them."""
    single = [
        title
        for place in places
        if len(place.members) == 1
        for title in _titles(fact, place.members)
    ]
    several = [
        f"at least one of {both(_titles(fact, place.members))}"
        for place in places
        if len(place.members) > 1
    ]
    return " and without ".join([*([either(single)] if single else []), *several])
