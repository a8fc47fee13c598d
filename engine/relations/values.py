"""What is known of facts, as comparisons with values and numbers, the same for routes and cases."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from facts.values import Bounds, Known, Members, OneOf, Truth
from facts.vocabulary import Fact


def compared_values(known: Mapping[str, Known]) -> Iterator[tuple[str, str, str]]:
    """Yield what is known of booleans, choices and sets: fact, comparison and value."""
    for fact, value in known.items():
        if isinstance(value, Truth):
            yield fact, "is", "true" if value.value else "false"
        elif isinstance(value, OneOf):
            comparison = "is" if len(value.values) == 1 else "one_of"
            for each in sorted(value.values):
                yield fact, comparison, each
        elif isinstance(value, Members):
            for member in sorted(value.includes):
                yield fact, "includes", member
            for member in sorted(value.excludes):
                yield fact, "excludes", member


def compared_numbers(
    known: Mapping[str, Known], facts: Mapping[str, Fact]
) -> Iterator[tuple[str, str, int | Decimal]]:
    """Yield what is known of numbers: fact, comparison and number, but not the ends of its range."""
    for name, value in known.items():
        if not isinstance(value, Bounds):
            continue
        fact = facts[name]
        if value.low > fact.lowest or value.low == value.high:
            yield name, "at_least", exact(fact, value.low)
        if value.high < fact.highest or value.low == value.high:
            yield name, "at_most", exact(fact, value.high)
        if value.low == value.high:
            yield name, "is", exact(fact, value.low)


def exact(fact: Fact, steps: int) -> int | Decimal:
    """Turn steps of the last decimal of a fact back into a number, exactly."""
    whole, rest = divmod(steps, 10**fact.decimals)
    return whole if rest == 0 else Decimal(steps).scaleb(-fact.decimals).normalize()
