"""Make random facts, conditions on them, and vocabularies with what cannot hold together.

A condition is drawn as a pair: its text in the policy language, and a test on a complete case.
Neither is read out of the other.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeAlias

from explanations import Fact, Interval, Number

CHANGERS = ("document", "prescribe", "wait", "fixed")


@dataclass(frozen=True, slots=True)
class State:
    """Hold all that a condition may ask about: a complete case, and how the text is read."""

    facts: Mapping[str, Any]
    readings: Mapping[str, str]
    version: str
    left_out: tuple[str, ...] = ()
    """A criterion that is to be asked without some of its parts, and these; a pathway alone that
    is not to approve."""


Test: TypeAlias = Callable[[State], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """Hold a condition as the text of a rule and as a test."""

    text: str
    holds: Test
    alternatives: bool = False
    """Whether the text lists alternatives, which no `not` may stand before."""
    turns: tuple[str, Number] | None = None
    """The number that is compared, and the least value at which the comparison turns."""
    dated: bool = False
    """Whether the version alone decides."""
    ways: tuple[tuple["Condition", ...], ...] = ()
    """The rules of a name of the policy's own."""

    def negated(self) -> "Condition":
        """Turn the condition around."""
        return replace(self, text=f"not {self.text}", holds=lambda state: not self.holds(state))


Rules: TypeAlias = Sequence[Sequence[Condition]]


def any_rule(rules: Rules) -> Test:
    """Tell whether all conditions of some rule hold."""
    tests = [[condition.holds for condition in rule] for rule in rules]
    return lambda state: any(all(test(state) for test in rule) for rule in tests)


# --- The vocabulary -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Hold random facts, and what cannot hold together."""

    text: str
    facts: Mapping[str, Fact]
    contradictions: Sequence[tuple[frozenset[str], Test]]
    """The facts of each contradiction, and whether they break it."""

    def closed(self, names: Iterable[str]) -> frozenset[str]:
        """Add the facts that contradictions tie to these, directly or not."""
        closed = frozenset(names)
        while True:
            more = closed.union(*(facts for facts, _ in self.contradictions if facts & closed))
            if more == closed:
                return closed
            closed = more

    def impossible(self, names: frozenset[str]) -> Test:
        """Tell whether these facts, which no contradiction ties to others, break one."""
        tests = [test for facts, test in self.contradictions if facts <= names]
        return lambda state: any(test(state) for test in tests)


def random_vocabulary(rng: random.Random) -> Vocabulary:
    """Draw a dozen facts of all kinds and changers, and a few contradictions."""
    facts = [Fact(f"truth_{place}", "boolean", rng.choice(CHANGERS)) for place in range(1, 6)]
    for place in range(1, 3):
        values = [f"value_{value}" for value in range(1, rng.randint(2, 4) + 1)]
        facts.append(Fact(f"option_{place}", "choice", rng.choice(CHANGERS), tuple(values)))
    facts += [_random_number(rng, f"count_{place}", decimals=place == 2) for place in range(1, 4)]
    for place in range(1, 3):
        members = tuple(f"member_{member}" for member in range(1, rng.randint(2, 3) + 1))
        facts.append(Fact(f"group_{place}", "set", rng.choice(CHANGERS), members))
    # All four changers occur.
    for fact, changer in zip(rng.sample(facts, 4), CHANGERS, strict=True):
        facts[facts.index(fact)] = Fact(fact.name, fact.kind, changer, fact.values)
    by_name = {fact.name: fact for fact in facts}
    lines = [line for fact in facts for line in _stated(fact)]
    contradictions: list[tuple[frozenset[str], Test]] = []
    for place in range(1, rng.randint(1, 3) + 1):
        # Each ties facts of its own, so that a policy need not look at all of them.
        free = [name for name in by_name if not any(name in tied for tied, _ in contradictions)]
        names = rng.sample(free, rng.choice((2, 2, 3)))
        stated = _random_contradiction(rng, [by_name[name] for name in names])
        lines.append(f'contradiction(impossible_{place}, "What cannot hold together, {place}").')
        lines += [f"impossible(impossible_{place}) :- {joined(rule)}." for rule in stated]
        contradictions.append((frozenset(names), any_rule(stated)))
    return Vocabulary("\n".join(lines) + "\n", by_name, contradictions)


def _random_number(rng: random.Random, name: str, *, decimals: bool) -> Fact:
    """Draw a number of two to four intervals, in whole units or with one decimal."""
    low, high, step = (Decimal(0), Decimal(20), Decimal("0.1")) if decimals else (0, 20, 1)
    cuts = sorted(low + step * place for place in rng.sample(range(1, 20), rng.randint(1, 3)))
    ends = (*(cut - step for cut in cuts), high)
    intervals = itertools.starmap(Interval, zip((low, *cuts), ends, strict=True))
    return Fact(name, "number", rng.choice(CHANGERS), tuple(intervals))


def _stated(fact: Fact) -> list[str]:
    """Write the statements of a fact."""
    lines = [
        f"fact({fact.name}, {fact.kind}, {fact.changer}).",
        f'title({fact.name}, "{fact.name}").',
        f'question({fact.name}, "What is {fact.name}?").',
    ]
    if fact.kind == "choice":
        lines += [f'value({fact.name}, {value}, "{value}").' for value in fact.values]
    elif fact.kind == "set":
        lines += [f"member({fact.name}, {member})." for member in fact.values]
    elif fact.kind == "number":
        lines += [f'unit({fact.name}, "units").', f"range({fact.name}, 0, 20)."]
        if _step(fact) != 1:
            lines.append(f"decimals({fact.name}, 1).")
    return lines


def _random_contradiction(rng: random.Random, facts: Sequence[Fact]) -> Rules:
    """Draw what cannot hold together; it leaves most cases possible."""
    sets = [fact for fact in facts if fact.kind == "set"]
    if len(sets) == 2 and len(facts) == 2:
        one, other = sets
        shared = set(one.values) & set(other.values)
        return [
            [_member(one, str(member)), _member(other, str(member)).negated()]
            for member in one.values
            if member in shared
        ]
    return [[random_condition(rng, fact) for fact in facts]]


# --- Conditions -----------------------------------------------------------------------------


def random_condition(rng: random.Random, fact: Fact) -> Condition:
    """Draw a condition on a fact, asked one way or the other."""
    if fact.kind == "boolean":
        condition = Condition(f"yes({fact.name})", lambda state: bool(state.facts[fact.name]))
    elif fact.kind == "choice":
        condition = _random_choice(rng, fact)
    elif fact.kind == "set":
        condition = _random_member(rng, fact)
    else:
        condition = _random_comparison(rng, fact)
    if rng.random() < 0.4 and not condition.alternatives:
        return condition.negated()
    return condition


def _random_choice(rng: random.Random, fact: Fact) -> Condition:
    values = [str(value) for value in fact.values]
    if len(values) > 2 and rng.random() < 0.3:
        some = rng.sample(values, 2)
        text = f"is({fact.name}, ({some[0]}; {some[1]}))"
        return Condition(text, lambda state: state.facts[fact.name] in some, alternatives=True)
    value = rng.choice(values)
    return Condition(f"is({fact.name}, {value})", lambda state: state.facts[fact.name] == value)


def _random_member(rng: random.Random, fact: Fact) -> Condition:
    if rng.random() < 0.2:
        return Condition(f"includes({fact.name}, _)", lambda state: bool(state.facts[fact.name]))
    return _member(fact, str(rng.choice(fact.values)))


def _member(fact: Fact, member: str) -> Condition:
    text = f"includes({fact.name}, {member})"
    return Condition(text, lambda state: member in state.facts[fact.name])


def _random_comparison(rng: random.Random, fact: Fact) -> Condition:
    """Draw one of the four comparisons that turn at the beginning of an interval."""
    intervals = [value for value in fact.values if isinstance(value, Interval)]
    cut = rng.choice([interval.low for interval in intervals[1:]])
    below = cut - _step(fact)
    comparisons: tuple[tuple[str, Number, Test], ...] = (
        ("at_least", cut, lambda state: bool(state.facts[fact.name] >= cut)),
        ("more_than", below, lambda state: bool(state.facts[fact.name] > below)),
        ("at_most", below, lambda state: bool(state.facts[fact.name] <= below)),
        ("less_than", cut, lambda state: bool(state.facts[fact.name] < cut)),
    )
    name, number, test = rng.choice(comparisons)
    written = str(number) if _step(fact) == 1 else f'"{number}"'
    return Condition(f"{name}({fact.name}, {written})", test, turns=(fact.name, cut))


def _step(fact: Fact) -> Number:
    """Give the distance between neighbouring numbers."""
    first, second, *_ = (value for value in fact.values if isinstance(value, Interval))
    return second.low - first.high


def joined(rule: Iterable[Condition]) -> str:
    return ", ".join(condition.text for condition in rule)
