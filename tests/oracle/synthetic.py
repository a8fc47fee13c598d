"""Make random policies, each as a text in the policy language and as a plain Python function.

Both are written from the same random draw, condition by condition; the function does not read the
text.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
class Criterion:
    """Hold a criterion: when it is met, and what it needs of which parts, or by which rules."""

    holds: Test
    needs: str | None = None
    parts: tuple[str, ...] = ()
    dated: str | None = None
    """The part that belongs to the last version alone."""
    rules: Rules = ()

    def parts_in(self, version: str) -> list[str]:
        """List the parts that it has in a version."""
        return [part for part in self.parts if part != self.dated or version == VERSIONS[-1]]


@dataclass(frozen=True, slots=True)
class Says:
    """Hold all that a policy says to one complete case, of which it should be one outcome."""

    outcomes: frozenset[str]
    answers: frozenset[tuple[str, str, str]]
    """Parts of the answer: what it is, the section that says it, and its value."""


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
    says: Callable[[State], Says | None]
    criteria: Mapping[str, Criterion]
    """In the order in which they were stated."""
    applies: Mapping[str, Test]
    """When each pathway and disposition is the one for a request."""
    pathways: Sequence[str]
    helper: Rules
    """The ways to the name of its own that the policy defines."""


REQUESTED_MONTHS = Fact(
    "requested_months", "number", "prescribe", (Interval(1, 1), Interval(2, 2), Interval(3, 120))
)
"""A fact of the packaged vocabulary, as a duration of at most three months looks at it."""
REQUEST = Fact("request", "choice", "fixed", ("initial", "continuation"))
LINE_OF_BUSINESS = Fact(
    "line_of_business", "choice", "fixed", ("commercial", "him", "medicaid", "fep")
)
"""Facts of the packaged vocabulary that an analysis takes for what they are."""


@dataclass(slots=True)
class _Draft:
    """Hold a policy while it is drawn."""

    rng: random.Random
    number: str
    facts: list[Fact]
    versions: tuple[str, ...]
    readings: dict[str, tuple[str, ...]]
    lines: list[str] = field(default_factory=list)
    named: list[Condition] = field(default_factory=list)
    """The conditions stated so far that others may ask: what is met, and names of the policy."""
    criteria: dict[str, Criterion] = field(default_factory=dict)

    def say(self, statement: str, *arguments: object, if_: Sequence[Condition] = ()) -> None:
        """Write a statement of the policy, with the conditions it holds under."""
        listed = ", ".join([f'"{self.number}"', *map(str, arguments)])
        body = f" :- {joined(if_)}" if if_ else ""
        self.lines.append(f"{statement}({listed}){body}.")

    def condition(self) -> Condition:
        """Draw a condition: on a fact, mostly."""
        drawn = self.rng.random()
        if self.named and drawn < 0.12:
            condition = self.rng.choice(self.named)
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

    def name(self, condition: Condition) -> Condition:
        """Let other conditions ask for this one."""
        self.named.append(condition)
        return condition

    def criterion(self, section: str, depth: int) -> Condition:
        """Draw a criterion, with up to so many levels of parts below it."""
        self.say("criterion", f'"{section}"', f'"What {section} asks"')
        if depth == 0 or self.rng.random() < 0.15:
            rules = self.rules()
            for rule in rules:
                self.say("met", f'"{section}"', if_=rule)
            criterion = Criterion(any_rule(rules), rules=rules)
        else:
            criterion = self._connected(section, depth)
        self.criteria[section] = criterion
        return self.name(Condition(f'met("{self.number}", "{section}")', criterion.holds))

    def _connected(self, section: str, depth: int) -> Criterion:
        connective = self.rng.choice(("all_of", "all_of", "any_of", "none_of", "at_least_of"))
        before = list(self.named)
        letters = "abcd"[: self.rng.choice((2, 2, 3, 3, 4))]
        names = [f"{section}.{letter}" for letter in letters]
        tests = [self.criterion(name, depth - 1).holds for name in names]
        # A part may be part of another criterion too.
        shared = [named for named in before if named.text.startswith("met")]
        if shared and self.rng.random() < 0.15:
            condition = self.rng.choice(shared)
            names.append(condition.text.split('"')[3])
            tests.append(condition.holds)
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
            if state.left_out[:1] == (section,):
                parts = [
                    test
                    for name, test in zip(names, parts, strict=False)
                    if name not in state.left_out[1:]
                ]
            return join(test(state) for test in parts)

        return Criterion(holds, connective, tuple(names), names[-1] if dated else None)


_SINCE_THE_LAST = Condition(
    f'since("{VERSIONS[-1]}")', lambda state: state.version == VERSIONS[-1], dated=True
)
_BEFORE_THE_LAST = Condition(
    f'before("{VERSIONS[-1]}")', lambda state: state.version != VERSIONS[-1], dated=True
)


def _none(parts: Iterable[bool]) -> bool:
    return not any(parts)


def _at_least(count: int) -> Callable[[Iterable[bool]], bool]:
    return lambda parts: sum(parts) >= count


FAULTS = ("gap", "overlap")


def random_policy(
    rng: random.Random,
    vocabulary: Vocabulary,
    number: str,
    *,
    most_points: int,
    further: Sequence[Fact] = (),
    fault: str | None = None,
) -> Policy:
    """Draw a policy that gives every complete case exactly one outcome, but for its fault.

    `further` are facts of the packaged vocabulary that it may ask about too.
    """
    months_up_to = rng.random() < 0.2
    facts = _random_facts(
        rng,
        vocabulary,
        [*further, *([REQUESTED_MONTHS] if months_up_to else [])],
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
    ways = tuple(map(tuple, helper))
    draft.name(Condition(f'somehow("{number}")', any_rule(helper), ways=ways))
    pathways = ["1", "2"][: rng.randint(1, 2)]
    depths = (1, 1, 1, 2) if small else (1, 1, 1, 2, 2, 2, 3)
    trees = {pathway: draft.criterion(pathway, rng.choice(depths)) for pathway in pathways}
    outcome, applies = _decisions(draft, trees, fault)
    months = _durations(draft, pathways, months_up_to=months_up_to)

    impossible = vocabulary.impossible(frozenset(fact.name for fact in facts))

    def says(state: State) -> Says | None:
        if impossible(state) or not served(state):
            return None
        said, approved_under = outcome(state)
        return Says(said.outcomes, said.answers | months(state, approved_under))

    def decide(state: State) -> Verdict | None:
        said = says(state)
        if said is None:
            return None
        (outcome,) = said.outcomes
        values: dict[str, set[str]] = {}
        for part, _, value in said.answers:
            values.setdefault(part, set()).add(value)
        return Verdict(outcome, **{part: frozenset(listed) for part, listed in values.items()})

    return Policy(
        number,
        "\n".join(draft.lines) + "\n",
        facts,
        versions,
        readings,
        decide,
        says,
        draft.criteria,
        applies,
        pathways,
        helper,
    )


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
    draft: _Draft, trees: Mapping[str, Condition], fault: str | None
) -> tuple[Callable[[State], tuple[Says, list[str]]], dict[str, Test]]:
    """Write when each pathway applies, and what refers and denies, in one of three orders.

    Some policies approve what they can, some refer before they approve, some deny before. With the
    fault of a gap, some who are left over are not denied; with that of an overlap, some who are
    approved are referred too.
    """
    rng, number = draft.rng, draft.number
    first = rng.choice(("approve", "approve", "refer", "deny"))
    refers, denies = draft.criterion("8", 1), draft.criterion("9", rng.randint(0, 1))
    draft.say("disposition", '"8"')
    draft.say("disposition", '"9"')
    draft.say("provision", '"7"', '"What is not approved or referred is denied"')
    earlier = {"approve": [], "refer": [refers], "deny": [denies]}[first]
    not_earlier = [condition.negated() for condition in earlier]
    ways: dict[str, Rules] = {}
    split = _split(draft)
    overlapping = rng.random() < 0.4
    for pathway, side in zip(trees, (split, _turned(split)), strict=False):
        ways[pathway] = draft.rules(1) if overlapping else [[side]] if len(trees) > 1 else [[]]
        draft.say("pathway", f'"{pathway}"')
        for rule in ways[pathway]:
            draft.say("applies", f'"{pathway}"', if_=[*rule, *not_earlier])
    applies = {
        pathway: any_rule([[*rule, *not_earlier] for rule in rules])
        for pathway, rules in ways.items()
    }

    def approved_under(state: State) -> list[str]:
        return [
            pathway
            for pathway, tree in trees.items()
            if applies[pathway](state) and tree.holds(state) and state.left_out != (pathway,)
        ]

    not_approved = Condition(f'not approved("{number}")', lambda state: not approved_under(state))
    for disposition in ("8", "9"):
        draft.say("applies", f'"{disposition}"', if_=[not_approved])
        applies[disposition] = not_approved.holds
    referred = [refers] if fault == "overlap" else [refers, not_approved]
    referred += [denies.negated()] if first == "deny" else []
    where = draft.condition()
    while where.alternatives:
        where = draft.condition()
    denied = [denies] if first == "deny" else [not_approved, refers.negated(), denies]
    rest = [not_approved, refers.negated(), denies.negated()]
    if fault == "gap":
        rest.append(draft.about_a_fact())
    says: list[tuple[str, str, str, list[Condition]]] = [
        ("refers", "8", "X-1", [*referred, where]),
        ("refers", "8", "X-2", [*referred, _turned(where)]),
        ("denies", "9", "investigational", denied),
        ("denies", "7", "not_medically_necessary", rest),
    ]
    if REQUEST in draft.facts and rng.random() < 0.5:
        # Two sections refer to the same policy.
        says[1] = ("refers", "7", "X-1", [*referred, _turned(where)])
    for statement, section, value, conditions in says:
        written = f'"{value}"' if statement == "refers" else value
        draft.say(statement, f'"{section}"', written, if_=conditions)

    def decide(state: State) -> tuple[Says, list[str]]:
        pathways = approved_under(state)
        outcomes = {"approve"} if pathways else set()
        answers = {("basis", pathway, "medically_necessary") for pathway in pathways}
        for statement, section, value, conditions in says:
            if all(condition.holds(state) for condition in conditions):
                outcomes.add("refer" if statement == "refers" else "deny")
                part = "refer_to" if statement == "refers" else "basis"
                answers.add((part, section, value))
        return Says(frozenset(outcomes), frozenset(answers)), pathways

    return decide, applies


def _split(draft: _Draft) -> Condition:
    """Draw a condition that may be turned around: on the kind of request, if that is asked."""
    if REQUEST in draft.facts:
        return Condition(
            "is(request, initial)", lambda state: bool(state.facts["request"] == "initial")
        )
    split = draft.about_a_fact()
    while split.alternatives:
        split = draft.about_a_fact()
    return split


def _turned(condition: Condition) -> Condition:
    """Turn a condition around that may be turned around already."""
    if condition.text.startswith("not "):
        return replace(condition.negated(), text=condition.text[4:])
    return condition.negated()


def _durations(
    draft: _Draft, pathways: Sequence[str], *, months_up_to: bool
) -> Callable[[State, Sequence[str]], frozenset[tuple[str, str, str]]]:
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

    def months(state: State, approved_under: Sequence[str]) -> frozenset[tuple[str, str, str]]:
        return frozenset(
            (
                "months",
                f"5.{pathway}",
                str(min(3, state.facts["requested_months"])) if number == "requested" else number,
            )
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
    return Folder(
        vocabulary,
        [
            random_policy(rng, vocabulary, number, most_points=most_points)
            for number in numbers(policies)
        ],
    )


def numbers(policies: int) -> list[str]:
    """Number so many policies."""
    return [f"SYN-{place:04}" for place in range(1, policies + 1)]
