"""Policies of any size, made by a generator in the policy language, and cases they deny.

Each has several pathways with nested criteria over booleans, choices, numbers with thresholds and
sets; facts are shared between criteria, and some contradict each other. The same seed makes the
same policy and the same cases.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from goal import Asked, CaseFacts, Goal
from peers import DomRec

from facts.vocabulary import Kind

VERSION = "2025-01-01"
PACKAGED = (
    "age",
    "diagnosis",
    "prior_drugs",
    "prior_lines",
    "progression",
    "refractory_to",
    "regimen",
    "request",
    "responding",
    "response",
    "treatment_setting",
)
"""Facts of the packaged vocabulary that every policy looks at: its own rules or a contradiction."""

_CHANGERS = ("document",) * 9 + ("prescribe",) * 5 + ("wait",) * 3 + ("fixed",) * 3
KINDS = ("boolean",) * 11 + ("number",) * 4 + ("choice",) * 4 + ("set",)
"""The kinds of the facts drawn, in turn."""
PARTNERS = ("dexamethasone", "bortezomib", "daratumumab", "cyclophosphamide", "carfilzomib")
_REQUESTS = ("initial", "continuation")
_DIAGNOSES = ("multiple_myeloma", "al_amyloidosis", "lymphoplasmacytic_lymphoma")
_FRESH = 0.75
"""How often a criterion asks about a fact that none has asked about."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a policy is: the facts it looks at, its pathways, and the criteria of each."""

    facts: int
    pathways: int
    criteria: int

    @property
    def number(self) -> str:
        """The number of the policy."""
        return f"GEN-{self.facts}"


@dataclass(frozen=True, slots=True)
class GeneratedFact:
    """A fact of the policy's own vocabulary; `options` are its values, members or thresholds.

    `typical` is the option that a typical case has, or for a number the first threshold of which it
    falls short; a typical case meets every criterion on which an approval hangs.
    """

    name: str
    kind: str
    options: tuple[str, ...]
    typical: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule asks of one fact; `options` are alternatives."""

    predicate: str
    fact: GeneratedFact
    options: tuple[str, ...] = ()
    holds: bool = True

    def __str__(self) -> str:
        arguments = [self.fact.name]
        if self.options:
            alternatives = "; ".join(self.options)
            arguments.append(f"({alternatives})" if len(self.options) > 1 else alternatives)
        return f"{'' if self.holds else 'not '}{self.predicate}({', '.join(arguments)})"


def draw_fact(draw: random.Random, kind: str, place: int) -> tuple[GeneratedFact, list[str]]:
    """Draw a fact of a kind; return it with the statements of the vocabulary about it."""
    name = f"{kind}_{place:03}"
    changer = draw.choice(_CHANGERS)
    options: tuple[str, ...] = ("false", "true")
    stated = [
        f"fact({name}, {kind}, {changer}).",
        f'title({name}, "Generated {kind} {place}").',
        f'question({name}, "What is generated {kind} {place}?").',
    ]
    if kind == "choice":
        options = tuple(f"value_{letter}" for letter in "abcde"[: draw.randint(3, 5)])
        stated += [f'value({name}, {value}, "{value}").' for value in options]
    elif kind == "set":
        options = tuple(f"member_{letter}" for letter in "abcdefgh"[: draw.randint(5, 8)])
        stated += [f"member({name}, {member})." for member in options]
    elif kind == "number":
        decimals = draw.choice((0, 0, 1))
        cuts = sorted(draw.sample(range(5, 95), draw.randint(1, 4)))
        options = tuple(f'"{cut}.5"' if decimals else str(cut) for cut in cuts)
        stated += [f'unit({name}, "units").', f"range({name}, 0, 100)."]
        stated += [f"decimals({name}, 1)."] if decimals else []
    typical = draw.randrange(len(options) + (kind == "number"))
    return GeneratedFact(name, kind, options, typical), stated


def draw_condition(draw: random.Random, fact: GeneratedFact, *, holds: bool) -> Condition:
    """Draw a condition on a fact that holds in a typical case, or does not."""
    if fact.kind == "boolean":
        return Condition("yes", fact, holds=holds == (fact.typical == 1))
    place = draw.randrange(len(fact.options))
    option = fact.options[place]
    if fact.kind == "number":
        reached = place < fact.typical
        return Condition("at_least" if holds == reached else "less_than", fact, (option,))
    as_typical = holds == (fact.typical == place)
    if fact.kind == "set":
        return Condition("includes", fact, (option,), holds=as_typical)
    if holds and draw.random() < 0.7:
        return Condition("is", fact, (fact.options[fact.typical], option))
    return Condition("is", fact, (option,), holds=as_typical)


class _Writer:
    """The text of one policy and its vocabulary, as they grow."""

    def __init__(self, size: Size, seed: int) -> None:
        self.policy: list[str] = []
        self.vocabulary: list[str] = []
        self._size = size
        self._number = size.number
        self._draw = random.Random(f"{size.number} {seed}")
        self._own: list[GeneratedFact] = []
        for place in range(size.facts - len(PACKAGED)):
            fact, stated = draw_fact(self._draw, KINDS[place % len(KINDS)], place)
            self._own.append(fact)
            self.vocabulary += stated
        for place in range(max(2, size.facts // 20)):
            self._write_contradiction(place)
        self._deck = self._draw.sample(self._own, len(self._own))
        self._write_policy()

    def _write_contradiction(self, place: int) -> None:
        one, other = self._draw.sample(self._own, 2)
        name = f"contradiction_{place:03}"
        bodies = f"{self._condition(one, holds=False)}, {self._condition(other, holds=True)}"
        self.vocabulary += [
            f'contradiction({name}, "Generated contradiction {place}").',
            f"impossible({name}) :- {bodies}.",
        ]

    def _write_policy(self) -> None:
        """State pathways, the criteria that all of them share, and what is not approved."""
        number = self._number
        self.policy += [
            f'policy("{number}", "Generated Health", pomalidomide, "Generated policy").',
            f'source("{number}", "Generated for a benchmark").',
            f'version("{number}", "{VERSION}", open, published, "Generated.").',
            f'reading("{number}", in_combination_with, "Is there room for further drugs?").',
            f'reading_section("{number}", in_combination_with, "1").',
            f'choice("{number}", in_combination_with, exactly, "Exactly the listed partners").',
            f'choice("{number}", in_combination_with, at_least, "At least those").',
            f'default_choice("{number}", in_combination_with, exactly).',
        ]
        self._write_parts("0", 1, "all_of", 4, holds=True)
        for place in range(1, self._size.pathways + 1):
            self._write_pathway(place)
        for place, fact in enumerate(self._deck):
            self.policy += [
                f'provision("{number}", "N.{place}", "Generated advisory {place}").',
                f'advises("{number}", "N.{place}") :- {self._condition(fact, holds=True)}.',
            ]
        self.policy += [
            f'provision("{number}", "R", "What is not approved").',
            f'refers("{number}", "R", "GEN-OTHER") :-',
            f'    is(diagnosis, other), not approved("{number}").',
            f'denies("{number}", "R", not_medically_necessary) :-',
            f'    not is(diagnosis, other), not approved("{number}").',
        ]

    def _write_pathway(self, place: int) -> None:
        """State when a pathway applies, and its criteria: shared ones, partners, and its own."""
        number, section = self._number, str(place)
        applies = f"is(request, {_REQUESTS[place % 2]}), not is(diagnosis, other)"
        if self._size.pathways > 4:
            applies += f", is(diagnosis, {_DIAGNOSES[place // 2 % len(_DIAGNOSES)]})"
        self.policy += [
            f'criterion("{number}", "{section}", "Generated pathway {section}").',
            f'pathway("{number}", "{section}").',
            f'applies("{number}", "{section}") :- {applies}.',
            f'all_of("{number}", "{section}", ("0"; "{section}.age"; "{section}.with")).',
            f'criterion("{number}", "{section}.age", "Old enough, and treated before").',
            f'met("{number}", "{section}.age") :- at_least(age, 18), at_least(prior_lines, 1).',
            f'criterion("{number}", "{section}.with", "With listed partners, or well so far").',
            f'met("{number}", "{section}.with") :- yes(responding), not yes(progression).',
            f'months("{number}", "R", "{section}", 12).',
        ]
        for option in range(self._draw.randint(1, 3)):
            partners = "; ".join(self._draw.sample(PARTNERS, self._draw.randint(1, 3)))
            self.policy.append(
                f'combination("{number}", "{section}.with", "option {option}", ({partners})).'
            )
        for reading, combined in (("exactly", "exact"), ("at_least", "included")):
            self.policy += [
                f'met("{number}", "{section}.with") :-',
                f'    {combined}_combination("{number}", "{section}.with"),',
                f'    reads("{number}", in_combination_with, {reading}).',
            ]
        for part in range(self._size.criteria):
            name = f"{section}.{part:02}"
            self.policy.append(f'all_of("{number}", "{section}", "{name}").')
            self._write_tree(name, 1, holds=True)

    def _write_tree(self, section: str, depth: int, *, holds: bool) -> None:
        """State a criterion: a plain one, or one with parts, down to three levels."""
        kinds = ("plain",) * (1 + depth) + ("any_of", "any_of", "at_least_of", "none_of", "all_of")
        kind = self._draw.choice(kinds) if depth < 3 and holds else "plain"
        if kind == "plain":
            self._write_plain(section, holds=holds)
        else:
            self._write_parts(section, depth, kind, self._draw.randint(2, 4), holds=holds)

    def _write_parts(self, section: str, depth: int, kind: str, parts: int, *, holds: bool) -> None:
        """State a criterion with parts; those needed for it hold in a typical case if it does."""
        number, draw = self._number, self._draw
        self.policy.append(f'criterion("{number}", "{section}", "Generated criterion {section}").')
        needed = {"all_of": parts, "any_of": 1, "none_of": 0}.get(kind, draw.randint(1, parts - 1))
        count = f"{needed}, " if kind == "at_least_of" else ""
        for part in range(parts):
            name = f"{section}.{part}"
            self.policy.append(f'{kind}("{number}", "{section}", {count}"{name}").')
            self._write_tree(name, depth + 1, holds=kind != "none_of" and holds)

    def _write_plain(self, section: str, *, holds: bool) -> None:
        number = self._number
        self.policy.append(f'criterion("{number}", "{section}", "Generated criterion {section}").')
        for _ in range(self._draw.choice((1, 1, 1, 1, 2))):
            facts = {self._next_fact() for _ in range(self._draw.choice((1, 1, 1, 2)))}
            ordered = sorted(facts, key=lambda fact: fact.name)
            body = ", ".join(self._condition(fact, holds=holds) for fact in ordered)
            self.policy.append(f'met("{number}", "{section}") :- {body}.')

    def _next_fact(self) -> GeneratedFact:
        """Take a fact not asked about yet, or now and then one that was."""
        if self._deck and self._draw.random() < _FRESH:
            return self._deck.pop()
        return self._draw.choice(self._own)

    def _condition(self, fact: GeneratedFact, *, holds: bool) -> str:
        return str(draw_condition(self._draw, fact, holds=holds))


def write_policy(folder: Path, size: Size, seed: int) -> None:
    """Write a policy and its vocabulary below a folder, in files of their own."""
    writer = _Writer(size, seed)
    for name, lines in (
        (f"vocabulary/{size.number}_facts.lp", writer.vocabulary),
        (f"policies/{size.number}.lp", writer.policy),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", "ascii")


BANDS = ((1, 2), (3, 8), (9, 20), (21, 40))
"""How many minimal changes the drawn cases have: as many cases in each of these bands."""
MOST_WALKS = 40
"""How often a case of a band is looked for before the band is given up."""
STEPS = 20


def draw_cases(
    goal: Goal, outcome: Callable[[CaseFacts], str], count: int, seed: int
) -> list[CaseFacts]:
    """Draw complete cases that are denied and can be approved, the same ones on every run.

    From an approved case near a random one, facts change at random for as long as the case stays
    free of contradictions, until it has a number of minimal changes in the band sought. A policy
    that hardly gives such cases in some band yields fewer of them.
    """
    draw = random.Random(seed)
    search = DomRec(goal)
    cases: list[CaseFacts] = []
    for place in range(count):
        band = BANDS[place % len(BANDS)]
        walks = (_walk(draw, goal, search, outcome, band) for _ in range(MOST_WALKS))
        cases += islice((facts for facts in walks if facts is not None), 1)
    return cases


def _walk(
    draw: random.Random,
    goal: Goal,
    search: DomRec,
    outcome: Callable[[CaseFacts], str],
    band: tuple[int, int],
) -> CaseFacts | None:
    """Change an approved case step by step into a denied one in a band; None if it goes astray."""
    start = {unit: _drawn(draw, asked, unit) for asked in goal.asked for unit in asked.values()}
    values = search.nearest(frozenset(start.values()))
    for _ in range(STEPS):
        changed = set(values)
        for asked in draw.sample(goal.asked, round(len(goal.asked) ** (draw.random() / 2))):
            unit = draw.choice(list(asked.values()))
            changed.difference_update(unit[1])
            changed.add(_drawn(draw, asked, unit))
        facts = {asked.fact.name: asked.draw_value(draw, changed) for asked in goal.asked}
        decided = outcome(facts)
        if decided == "deny":
            changes = len(search.changes(facts, most=band[1] + 1))
            if band[0] <= changes <= band[1]:
                return facts
            if not 0 < changes <= band[1]:
                continue
        if decided in ("approve", "deny"):
            values = changed
    return None


def _drawn(draw: random.Random, asked: Asked, unit: tuple[str, tuple[int, ...]]) -> int:
    """Draw the value of a unit; one in eight members is in its set."""
    (literal,) = draw.choices(unit[1], (7, 1) if asked.fact.kind is Kind.SET else None)
    return literal
