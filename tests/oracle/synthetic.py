"""Make random policies, each as a text in the policy language and as a plain Python function.

Both are written from the same random draw, condition by condition; the function does not read the
text.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from explanations import Fact, Interval, Points, Verdict, every, lay_out, units_of
from synthetic_facts import (
    Condition,
    Rules,
    State,
    Test,
    Vocabulary,
    any_rule,
    joined,
    random_condition,
    random_vocabulary,
)

VERSIONS = ("2024-01-01", "2025-01-01")
MOST_POINTS = 3_000
"""How many complete cases that are not alike a policy may have; many have a part of that."""
MOST_UNITS = 10

# --- Policies -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Policy:
    """Hold a random policy: its text, the facts it may look at, and what it says to a case."""

    number: str
    text: str
    facts: Sequence[Fact]
    versions: Sequence[str]
    readings: Mapping[str, Sequence[str]]
    """The choices of each reading, the default first."""
    decide: Callable[[State], Verdict | None]


REQUESTED_MONTHS = Fact(
    "requested_months", "number", "prescribe", (Interval(1, 1), Interval(2, 2), Interval(3, 120))
)
"""A fact of the packaged vocabulary, as a duration of at most three months looks at it."""


@dataclass(slots=True)
class _Draft:
    """Hold a policy while it is drawn."""

    rng: random.Random
    number: str
    facts: list[Fact]
    versions: tuple[str, ...]
    readings: dict[str, tuple[str, ...]]
    lines: list[str] = field(default_factory=list)
    named: list[tuple[str, Test]] = field(default_factory=list)
    """The conditions stated so far that others may ask: what is met, and names of the policy."""

    def say(self, statement: str, *arguments: object, if_: Sequence[Condition] = ()) -> None:
        """Write a statement of the policy, with the conditions it holds under."""
        listed = ", ".join([f'"{self.number}"', *map(str, arguments)])
        body = f" :- {joined(if_)}" if if_ else ""
        self.lines.append(f"{statement}({listed}){body}.")

    def condition(self) -> Condition:
        """Draw a condition: on a fact, mostly."""
        drawn = self.rng.random()
        if self.named and drawn < 0.12:
            text, test = self.rng.choice(self.named)
            condition = Condition(text, test)
            return condition if self.rng.random() < 0.5 else condition.negated()
        if self.readings and drawn < 0.2:
            name, choices = self.rng.choice(sorted(self.readings.items()))
            choice = self.rng.choice(choices)
            return Condition(
                f'reads("{self.number}", {name}, {choice})',
                lambda state: state.readings[name] == choice,
            )
        if len(self.versions) > 1 and drawn < 0.24:
            return self.rng.choice((_SINCE_THE_LAST, _BEFORE_THE_LAST))
        return self.about_a_fact()

    def rules(self, most: int = 3) -> list[list[Condition]]:
        """Draw rules, of which one is enough, with one to three conditions each.

        The first rule asks about facts alone, and so does the first condition of each: a criterion
        that cannot be met in some version, or a pathway that cannot apply, is refused.
        """
        rules = [
            [
                self.about_a_fact(),
                *(self.condition() for _ in range(self.rng.choice((0, 0, 1, 1, 2)))),
            ]
            for _ in range(self.rng.randint(1, most))
        ]
        rules[0] = [self.about_a_fact() for _ in rules[0]]
        return rules

    def about_a_fact(self) -> Condition:
        """Draw a condition on a fact."""
        return random_condition(self.rng, self.rng.choice(self.facts))

    def name(self, text: str, test: Test) -> Condition:
        """Let other conditions ask for this one."""
        self.named.append((text, test))
        return Condition(text, test)

    def criterion(self, section: str, depth: int) -> Condition:
        """Draw a criterion, with up to so many levels of parts below it."""
        self.say("criterion", f'"{section}"', f'"What {section} asks"')
        if depth == 0 or self.rng.random() < 0.15:
            rules = self.rules()
            for rule in rules:
                self.say("met", f'"{section}"', if_=rule)
            test = any_rule(rules)
        else:
            test = self._connected(section, depth)
        return self.name(f'met("{self.number}", "{section}")', test)

    def _connected(self, section: str, depth: int) -> Test:
        connective = self.rng.choice(("all_of", "all_of", "any_of", "none_of", "at_least_of"))
        before = list(self.named)
        letters = "abcd"[: self.rng.choice((2, 2, 3, 3, 4))]
        names = [f"{section}.{letter}" for letter in letters]
        tests = [self.criterion(name, depth - 1).holds for name in names]
        # A part may be part of another criterion too.
        shared = [named for named in before if named[0].startswith("met")]
        if shared and self.rng.random() < 0.15:
            text, test = self.rng.choice(shared)
            names.append(text.split('"')[3])
            tests.append(test)
        count = self.rng.randint(1, len(names))
        counted = (count,) if connective == "at_least_of" else ()
        dated = connective != "at_least_of" and len(self.versions) > 1 and self.rng.random() < 0.3
        for name in names:
            if_ = [_SINCE_THE_LAST] if dated and name == names[-1] else []
            self.say(connective, f'"{section}"', *counted, f'"{name}"', if_=if_)
        needed = {"all_of": all, "any_of": any, "none_of": _none, "at_least_of": _at_least(count)}
        join = needed[connective]

        def holds(state: State) -> bool:
            parts = tests[:-1] if dated and state.version != VERSIONS[-1] else tests
            return join(test(state) for test in parts)

        return holds


_SINCE_THE_LAST = Condition(f'since("{VERSIONS[-1]}")', lambda state: state.version == VERSIONS[-1])
_BEFORE_THE_LAST = Condition(
    f'before("{VERSIONS[-1]}")', lambda state: state.version != VERSIONS[-1]
)


def _none(parts: Iterable[bool]) -> bool:
    return not any(parts)


def _at_least(count: int) -> Callable[[Iterable[bool]], bool]:
    return lambda parts: sum(parts) >= count


def random_policy(
    rng: random.Random, vocabulary: Vocabulary, number: str, *, most_points: int
) -> Policy:
    """Draw a policy that gives every complete case exactly one outcome."""
    months_up_to = rng.random() < 0.2
    facts = _random_facts(
        rng,
        vocabulary,
        [REQUESTED_MONTHS] if months_up_to else [],
        most_points=max(48, most_points // rng.choice((1, 3, 20))),
    )
    asked = [fact for fact in facts if fact is not REQUESTED_MONTHS]
    # Loading takes longer than all else, so a policy for few points is small in all respects.
    small = most_points < 1_000
    versions = VERSIONS if rng.random() < (0.1 if small else 0.4) else VERSIONS[-1:]
    readings: dict[str, tuple[str, ...]] = {}
    if rng.random() < 0.4:
        readings["first_way"] = ("literal", "loose")
    draft = _Draft(rng, number, asked, versions, readings)
    served = _head(draft)
    helper = draft.rules(2)
    for rule in helper:
        draft.say("somehow", if_=rule)
    draft.name(f'somehow("{number}")', any_rule(helper))
    pathways = ["1", "2"][: rng.randint(1, 2)]
    depths = (1, 1, 1, 2) if small else (1, 1, 1, 2, 2, 2, 3)
    trees = {pathway: draft.criterion(pathway, rng.choice(depths)) for pathway in pathways}
    outcome = _decisions(draft, trees)
    months = _durations(draft, pathways, months_up_to=months_up_to)

    impossible = vocabulary.impossible(frozenset(fact.name for fact in facts))

    def decide(state: State) -> Verdict | None:
        if impossible(state) or not served(state):
            return None
        verdict, approved_under = outcome(state)
        if verdict.outcome != "approve":
            return verdict
        return Verdict("approve", months=months(state, approved_under), basis=verdict.basis)

    return Policy(number, "\n".join(draft.lines) + "\n", facts, versions, readings, decide)


def _random_facts(
    rng: random.Random, vocabulary: Vocabulary, further: Sequence[Fact], *, most_points: int
) -> list[Fact]:
    """Draw facts, with what contradictions tie to them, as many as the points allow."""
    chosen = frozenset[str]()
    for name in rng.sample(sorted(vocabulary.facts), len(vocabulary.facts)):
        more = vocabulary.closed({*chosen, name})
        facts = [vocabulary.facts[fact] for fact in sorted(more)] + list(further)
        units = [unit for fact in facts for unit in units_of(fact)]
        if (
            len(units) <= MOST_UNITS
            and math.prod(len(unit.values) for unit in units) <= most_points
        ):
            chosen = more
    return [vocabulary.facts[fact] for fact in sorted(chosen)] + list(further)


def _head(draft: _Draft) -> Test:
    """Write who the policy is for, its versions and readings; tell which cases it is for."""
    rng = draft.rng
    draft.say("policy", '"Nobody"', "pomalidomide", '"Drawn at random"')
    draft.say("source", '"None"')
    for version, until in itertools.zip_longest(draft.versions, draft.versions[1:]):
        end = "open" if until is None else f'"{until}"'
        draft.say("version", f'"{version}"', end, "published", '"Drawn at random."')
    for name, choices in draft.readings.items():
        draft.say("reading", name, '"Which way?"')
        draft.say("reading_section", name, '"1"')
        for choice in choices:
            draft.say("choice", name, choice, f'"Read as {choice}"')
        draft.say("default_choice", name, choices[0])
    several = [fact for fact in draft.facts if fact.kind == "choice" and len(fact.values) > 2]
    if not several or rng.random() < 0.7:
        return lambda _: True
    served = rng.choice(several)
    values = rng.sample(served.values, len(served.values) - 1)
    for value in values:
        draft.say("serves", served.name, value)
    return lambda state: state.facts[served.name] in values


def _decisions(
    draft: _Draft, trees: Mapping[str, Condition]
) -> Callable[[State], tuple[Verdict, list[str]]]:
    """Write when each pathway applies, and what refers and denies, in one of three orders.

    Some policies approve what they can, some refer before they approve, some deny before.
    """
    rng, number = draft.rng, draft.number
    first = rng.choice(("approve", "approve", "refer", "deny"))
    refers, denies = draft.criterion("8", 1), draft.criterion("9", rng.randint(0, 1))
    draft.say("disposition", '"8"')
    draft.say("disposition", '"9"')
    draft.say("provision", '"7"', '"What is not approved or referred is denied"')
    earlier = {"approve": [], "refer": [refers], "deny": [denies]}[first]
    not_earlier = [condition.negated() for condition in earlier]
    applies: dict[str, Rules] = {}
    split = draft.about_a_fact()
    while split.alternatives:
        split = draft.about_a_fact()
    overlapping = rng.random() < 0.4
    for pathway, side in zip(trees, (split, _turned(split)), strict=False):
        applies[pathway] = draft.rules(1) if overlapping else [[side]] if len(trees) > 1 else [[]]
        draft.say("pathway", f'"{pathway}"')
        for rule in applies[pathway]:
            draft.say("applies", f'"{pathway}"', if_=[*rule, *not_earlier])

    def approved_under(state: State) -> list[str]:
        if any(condition.holds(state) for condition in earlier):
            return []
        return [
            pathway
            for pathway, tree in trees.items()
            if any_rule(applies[pathway])(state) and tree.holds(state)
        ]

    not_approved = Condition(f'not approved("{number}")', lambda state: not approved_under(state))
    draft.say("applies", '"8"', if_=[not_approved])
    draft.say("applies", '"9"', if_=[not_approved])
    referred = [refers, not_approved] + ([denies.negated()] if first == "deny" else [])
    where = draft.condition()
    while where.alternatives:
        where = draft.condition()
    draft.say("refers", '"8"', '"X-1"', if_=[*referred, where])
    draft.say("refers", '"8"', '"X-2"', if_=[*referred, _turned(where)])
    if first == "deny":
        draft.say("denies", '"9"', "investigational", if_=[denies])
    else:
        denied = [not_approved, refers.negated(), denies]
        draft.say("denies", '"9"', "investigational", if_=denied)
    rest = [not_approved, refers.negated(), denies.negated()]
    draft.say("denies", '"7"', "not_medically_necessary", if_=rest)

    def decide(state: State) -> tuple[Verdict, list[str]]:
        pathways = approved_under(state)
        if pathways:
            return Verdict("approve", basis=frozenset({"medically_necessary"})), pathways
        is_denied = denies.holds(state)
        if refers.holds(state) and not (first == "deny" and is_denied):
            number = "X-1" if where.holds(state) else "X-2"
            return Verdict("refer", refer_to=frozenset({number})), []
        basis = "investigational" if is_denied else "not_medically_necessary"
        return Verdict("deny", basis=frozenset({basis})), []

    return decide


def _turned(condition: Condition) -> Condition:
    """Turn a condition around that may be turned around already."""
    if condition.text.startswith("not "):
        return Condition(condition.text[4:], condition.negated().holds)
    return condition.negated()


def _durations(
    draft: _Draft, pathways: Sequence[str], *, months_up_to: bool
) -> Callable[[State, Sequence[str]], frozenset[str]]:
    """Write for how long each pathway approves: one number, one of two, two at once, or none."""
    granted: list[tuple[str, str, Test]] = []
    for pathway in pathways:
        section = f'"5.{pathway}"'
        draft.say("provision", section, '"For how long"')
        if months_up_to:
            draft.say("months_up_to", section, f'"{pathway}"', 3)
            granted.append((pathway, "requested", lambda _: True))
            continue
        kind = draft.rng.random()
        longer = draft.condition()
        while longer.alternatives:
            longer = draft.condition()
        if kind < 0.6:
            for number, condition in (("6", longer), ("12", _turned(longer))):
                draft.say("months", section, f'"{pathway}"', number, if_=[condition])
                granted.append((pathway, number, condition.holds))
        elif kind < 0.9:
            draft.say("months", section, f'"{pathway}"', 12)
            granted.append((pathway, "12", lambda _: True))
            if kind > 0.8:
                draft.say("months", section, f'"{pathway}"', 6, if_=[longer])
                granted.append((pathway, "6", longer.holds))

    def months(state: State, approved_under: Sequence[str]) -> frozenset[str]:
        return frozenset(
            str(min(3, state.facts["requested_months"])) if number == "requested" else number
            for pathway, number, test in granted
            if pathway in approved_under and test(state)
        )

    return months


def laid_out(policy: Policy, version: str, readings: Mapping[str, str]) -> Points:
    """Lay out all points of a policy."""
    units = [unit for fact in policy.facts for unit in units_of(fact)]
    axes = {unit.name: every(unit) for unit in units}
    return lay_out(policy.facts, axes, lambda point: policy.decide(State(point, readings, version)))


# --- Folders --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Folder:
    """Hold policies that share a vocabulary."""

    vocabulary: Vocabulary
    policies: Sequence[Policy]

    def write(self, path: Path) -> None:
        """Write the files that a knowledge base is loaded from."""
        for name in ("vocabulary", "policies"):
            (path / name).mkdir(parents=True)
        (path / "vocabulary" / "synthetic.lp").write_text(self.vocabulary.text)
        for policy in self.policies:
            (path / "policies" / f"{policy.number}.lp").write_text(policy.text)


def random_folder(rng: random.Random, policies: int, *, most_points: int = MOST_POINTS) -> Folder:
    """Draw a vocabulary, and so many policies in it."""
    vocabulary = random_vocabulary(rng)
    numbers = [f"SYN-{place:04}" for place in range(1, policies + 1)]
    return Folder(
        vocabulary,
        [random_policy(rng, vocabulary, number, most_points=most_points) for number in numbers],
    )
