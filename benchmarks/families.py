"""Libraries of policies in families, as many payers write them on the same drugs.

The policies on one drug ask about the same facts. Some are copies in other words: criteria in
another order, under other numbers, split or merged, by De Morgan's laws, or with a part that another
makes needless. Some differ from another in one place: a threshold, a criterion, a drug, the months,
where requests are referred. Some differ freely. The same seed makes the same library.

A typical patient of the library is approved by every policy as it is first drawn, so that hardly
any criterion is without effect.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from generated import (
    KINDS,
    PARTNERS,
    VERSION,
    Condition,
    GeneratedFact,
    draw_condition,
    draw_fact,
)

DRUGS = (
    "ixazomib",
    "lenalidomide",
    "pomalidomide",
    "thalidomide",
    "isatuximab",
    "elotuzumab",
    "rituximab",
    "venetoclax",
    "selinexor",
    "melphalan",
)
OWN_FACTS = 40
"""Facts of the library's own vocabulary."""
FACTS_OF_A_DRUG = 16
"""Facts of these that the policies on one drug ask about; with packaged ones, about 28."""
FRESH, COPIED = 0.16, 0.5
"""How many policies are drawn freely, and how many say the same as another in other words."""
SAME, NEAR = 0.46, 0.34
"""How many pairs say the same, and how many differ in one place; the others differ freely."""

Value = TypeVar("Value")

_AGE = GeneratedFact("age", "number", ("12", "16", "18", "21"), 3)
_LINES = GeneratedFact("prior_lines", "number", ("1", "2", "3"), 2)
_RESPONDING = GeneratedFact("responding", "boolean", ("false", "true"), 1)
_PROGRESSION = GeneratedFact("progression", "boolean", ("false", "true"), 0)
_MONTHS = (3, 6, 12)
_TARGETS = ("GENERAL-1", "GENERAL-2", "GENERAL-3")
_DIAGNOSES = ("multiple_myeloma", "al_amyloidosis", "lymphoplasmacytic_lymphoma")


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion with parts, or a plain one: then `ways` are alternatives of conditions."""

    needs: str
    parts: tuple["Criterion", ...] = ()
    least: int = 0
    ways: tuple[tuple[Condition, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Pathway:
    """A section under which requests of one kind are approved."""

    request: str
    criterion: Criterion
    combinations: tuple[frozenset[str], ...]
    months: int


@dataclass(frozen=True, slots=True)
class Design:
    """What a policy says, apart from the order, the numbers and the words."""

    diagnosis: str
    pathways: tuple[Pathway, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two policies on the same drug, by number; `drawn` says how they were made."""

    drug: str
    first: str
    second: str
    drawn: str


def write_library(folder: Path, drugs: int, policies: int, pairs: int, seed: int) -> list[Pair]:
    """Write a library below a folder: so many drugs, and policies and pairs for each of them.

    Each drug has a folder of its own, and the vocabulary the folder `shared`. Return the pairs.
    """
    draw = random.Random(seed)
    drawn = [draw_fact(draw, KINDS[at % len(KINDS)], at) for at in range(OWN_FACTS)]
    _write(
        folder / "shared" / "vocabulary" / "facts.lp",
        [line for _, stated in drawn for line in stated],
    )
    found: list[Pair] = []
    for drug in DRUGS[:drugs]:
        facts = draw.sample([fact for fact, _ in drawn], FACTS_OF_A_DRUG)
        family = _Family(drug, facts, random.Random(f"{drug} {seed}"))
        family.grow(policies)
        for number, design in zip(family.numbers, family.written, strict=True):
            text = _Text(number, drug, design, family.draw)
            _write(folder / drug / f"{number}.lp", text.lines)
        found += family.pairs(pairs)
    return found


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "ascii")


class _Family:
    """The policies on one drug: what each asks, and how it is written.

    Policies with the same number in `meanings` ask the same.
    """

    def __init__(self, drug: str, facts: Sequence[GeneratedFact], draw: random.Random) -> None:
        self.drug = drug
        self.draw = draw
        self.designs: list[Design] = []
        self.written: list[Design] = []
        self.meanings: list[int] = []
        self._facts = facts
        self._deck: list[GeneratedFact] = []
        self._near: set[tuple[int, int]] = set()
        self._partners = [partner for partner in PARTNERS if partner != drug]

    @property
    def numbers(self) -> list[str]:
        """The numbers of the policies."""
        return [f"{self.drug.upper()}-{place:03}" for place in range(len(self.designs))]

    def grow(self, count: int) -> None:
        """Add policies until there are so many."""
        meaning = -1
        while len(self.designs) < count:
            kind = self.draw.random()
            place = self.draw.randrange(max(1, len(self.designs)))
            if not self.designs or kind < FRESH:
                meaning += 1
                design = written = self._design()
                self.meanings.append(meaning)
            elif kind < FRESH + COPIED:
                design = self.designs[place]
                written = _reworded(design, self.draw)
                self.meanings.append(self.meanings[place])
            else:
                meaning += 1
                design = self.draw.choice(list(self._edited(self.designs[place])))
                written = _reworded(design, self.draw)
                self._near.add((self.meanings[place], meaning))
                self.meanings.append(meaning)
            self.designs.append(design)
            self.written.append(written)

    def pairs(self, count: int) -> list[Pair]:
        """Draw so many pairs: some that say the same, some near each other, and others."""
        kinds: dict[str, list[tuple[int, int]]] = {"same": [], "near": [], "free": []}
        for one, other in combinations(range(len(self.designs)), 2):
            meanings = self.meanings[one], self.meanings[other]
            near = meanings in self._near or meanings[::-1] in self._near
            kind = "same" if meanings[0] == meanings[1] else "near" if near else "free"
            kinds[kind].append((one, other))
        wanted = {"same": round(count * SAME), "near": round(count * NEAR), "free": count}
        found: list[Pair] = []
        for kind, among in kinds.items():
            most = min(wanted[kind], count - len(found), len(among))
            found += [
                Pair(self.drug, self.numbers[one], self.numbers[other], kind)
                for one, other in sorted(self.draw.sample(among, most))
            ]
        return found

    # What a policy asks, drawn freely

    def _design(self) -> Design:
        draw = self.draw
        self._deck = draw.sample(self._facts, len(self._facts))
        shared = tuple(self._criterion(2) for _ in range(2))
        first = (self._plain(_AGE), self._plain(_LINES), *(self._criterion(1) for _ in range(4)))
        renewed = (self._plain(_RESPONDING, _PROGRESSION), *(self._criterion(1) for _ in range(2)))
        drawn = zip(("initial", "continuation"), (first, renewed), (6, 12), strict=True)
        return Design(
            draw.choice(_DIAGNOSES),
            tuple(
                Pathway(request, Criterion("all_of", (*shared, *own)), self._combined(), months)
                for request, own, months in drawn
            ),
            draw.choice(_TARGETS),
        )

    def _combined(self) -> tuple[frozenset[str], ...]:
        drawn = (
            frozenset(self.draw.sample(self._partners, self.draw.randint(1, 3))) for _ in range(3)
        )
        return tuple(dict.fromkeys(drawn))

    def _plain(self, *facts: GeneratedFact, holds: bool = True) -> Criterion:
        conditions = (draw_condition(self.draw, fact, holds=holds) for fact in facts)
        return _plain(tuple(map(_once, conditions)))

    def _criterion(self, depth: int) -> Criterion:
        """Draw a criterion: a plain one, or one with parts, down to two levels."""
        kinds = ("plain",) * (2 * depth) + ("any_of", "any_of", "none_of", "at_least_of")
        kind = self.draw.choice(kinds)
        if kind == "plain" or depth > 2:
            return self._plain(*{self._next(): None for _ in range(self.draw.choice((1, 1, 2)))})
        if kind == "none_of":
            return Criterion(kind, tuple(self._plain(self._next(), holds=False) for _ in "ab"))
        if kind == "any_of":
            return Criterion(kind, (self._criterion(depth + 1), self._criterion(depth + 2)))
        return Criterion(kind, tuple(self._plain(self._next()) for _ in "abc"), least=2)

    def _next(self) -> GeneratedFact:
        """Take a fact that the policy does not ask about yet, as long as there is one."""
        return self._deck.pop() if self._deck else self.draw.choice(self._facts)

    # One place of a policy changed

    def _edited(self, design: Design) -> Iterator[Design]:
        for target in _TARGETS:
            if target != design.target:
                yield replace(design, target=target)
        for at, pathway in enumerate(design.pathways):
            for edited in (
                *(replace(pathway, criterion=each) for each in self._changed(pathway.criterion)),
                *(replace(pathway, months=each) for each in _MONTHS if each != pathway.months),
                *(
                    replace(pathway, combinations=each)
                    for each in self._combined_otherwise(pathway)
                ),
            ):
                yield replace(design, pathways=_with(design.pathways, at, edited))

    def _changed(self, criterion: Criterion) -> Iterator[Criterion]:
        """Yield a criterion with one threshold moved, or with one part less or more."""
        for at, way in enumerate(criterion.ways):
            for place, condition in enumerate(way):
                for option in condition.fact.options if condition.fact.kind == "number" else ():
                    if (option,) != condition.options:
                        moved = _with(way, place, replace(condition, options=(option,)))
                        yield replace(criterion, ways=_with(criterion.ways, at, moved))
        for at, part in enumerate(criterion.parts):
            for changed in self._changed(part):
                yield replace(criterion, parts=_with(criterion.parts, at, changed))
            if criterion.needs == "all_of" and len(criterion.parts) > 2:
                yield replace(criterion, parts=criterion.parts[:at] + criterion.parts[at + 1 :])
        if criterion.needs == "all_of":
            added = self._plain(self.draw.choice(self._facts))
            yield replace(criterion, parts=(*criterion.parts, added))

    def _combined_otherwise(self, pathway: Pathway) -> Iterator[tuple[frozenset[str], ...]]:
        for at, partners in enumerate(pathway.combinations):
            for partner in self._partners:
                otherwise = partners ^ {partner}
                if otherwise and otherwise not in pathway.combinations:
                    yield _with(pathway.combinations, at, otherwise)


def _with(values: tuple[Value, ...], at: int, value: Value) -> tuple[Value, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _plain(*ways: tuple[Condition, ...]) -> Criterion:
    return Criterion("plain", ways=ways)


def _once(condition: Condition) -> Condition:
    return replace(condition, options=tuple(dict.fromkeys(condition.options)))


def _reworded(design: Design, draw: random.Random) -> Design:
    """Return a design that asks the same in other words and another order."""
    return replace(
        design,
        pathways=tuple(
            replace(
                pathway,
                criterion=_list_reworded(pathway.criterion, draw),
                combinations=tuple(_shuffled(pathway.combinations, draw)),
            )
            for pathway in _shuffled(design.pathways, draw)
        ),
    )


def _list_reworded(criterion: Criterion, draw: random.Random) -> Criterion:
    """Return the list of what a pathway asks in other words; it stays a list."""
    parts = tuple(_said_otherwise(part, draw) for part in _shuffled(criterion.parts, draw))
    criterion, turn = replace(criterion, parts=parts), draw.random()
    if turn < 0.3:
        return _merged(criterion)
    return _repeated(criterion, draw) if turn < 0.4 else criterion


def _shuffled(values: Sequence[Value], draw: random.Random) -> list[Value]:
    return draw.sample(values, len(values))


def _said_otherwise(criterion: Criterion, draw: random.Random) -> Criterion:
    """Return a criterion that the same patients meet."""
    criterion = replace(
        criterion,
        parts=tuple(_said_otherwise(part, draw) for part in _shuffled(criterion.parts, draw)),
        ways=tuple(tuple(_shuffled(way, draw)) for way in _shuffled(criterion.ways, draw)),
    )
    parts = criterion.parts
    if draw.random() > 0.4:
        return criterion
    if criterion.needs == "plain":
        return _split(criterion)
    if criterion.needs == "at_least_of":
        chosen = combinations(parts, criterion.least)
        return Criterion("any_of", tuple(Criterion("all_of", each) for each in chosen))
    if criterion.needs == "any_of":
        return Criterion("none_of", (Criterion("none_of", parts),))
    if criterion.needs == "all_of" and draw.random() < 0.4:
        return _merged(criterion)
    turned = "all_of" if criterion.needs == "none_of" else "none_of"
    return Criterion(turned, tuple(map(_negated, parts)))


def _split(criterion: Criterion) -> Criterion:
    """Make parts of the alternatives of a plain criterion, or of its conditions."""
    if len(criterion.ways) > 1:
        return Criterion("any_of", tuple(map(_plain, criterion.ways)))
    (way,) = criterion.ways
    if len(way) > 1:
        return Criterion("all_of", tuple(_plain((condition,)) for condition in way))
    return criterion


def _merged(criterion: Criterion) -> Criterion:
    """Make one plain part of the first two that have one way to be met."""
    plain = [part for part in criterion.parts if len(part.ways) == 1][:2]
    if len(plain) < 2:
        return criterion
    whole = _plain(tuple(dict.fromkeys(each for part in plain for each in part.ways[0])))
    rest = tuple(part for part in criterion.parts if part not in plain)
    return replace(criterion, parts=(whole, *rest))


def _repeated(criterion: Criterion, draw: random.Random) -> Criterion:
    """Add a part that another makes needless."""
    one, other = draw.sample(criterion.parts, 2)
    return replace(criterion, parts=(*criterion.parts, Criterion("any_of", (one, other))))


def _negated(criterion: Criterion) -> Criterion:
    """Return a criterion that all other patients meet."""
    if criterion.needs == "none_of":
        return Criterion("any_of", criterion.parts)
    if len(criterion.ways) != 1:
        return Criterion("none_of", (criterion,))
    ways: list[tuple[Condition, ...]] = []
    for condition in criterion.ways[0]:
        if condition.fact.kind == "number":
            turned = {"at_least": "less_than", "less_than": "at_least"}[condition.predicate]
            ways.append((replace(condition, predicate=turned),))
        elif condition.holds:
            each = (replace(condition, options=(o,), holds=False) for o in condition.options)
            ways.append(tuple(each) or (replace(condition, holds=False),))
        else:
            ways.append((replace(condition, holds=True),))
    return _plain(*ways)


class _Text:
    """The statements of one policy."""

    def __init__(self, number: str, drug: str, design: Design, draw: random.Random) -> None:
        self.lines: list[str] = []
        self._number = number
        self._lettered = draw.random() < 0.5
        self._state("policy", '"Generated Health"', drug, '"Generated policy"')
        self._state("source", '"Generated for a benchmark"')
        self._state("version", f'"{VERSION}"', "open", "published", '"Generated."')
        self._state("provision", '"M"', '"How long an approval lasts"')
        for place, pathway in enumerate(design.pathways, start=1):
            self._write_pathway(self._section("", place), pathway, design.diagnosis)
        self._write_rest(design)

    def _state(self, name: str, *arguments: str, when: Sequence[object] = ()) -> None:
        body = f" :- {', '.join(map(str, when))}" if when else ""
        self.lines.append(f'{name}("{self._number}", {", ".join(arguments)}){body}.')

    def _section(self, above: str, place: int) -> str:
        """Return the number of a section below another: 1.2.3, or I.A.1."""
        depth = above.count(".") + 1 if above else 0
        if not self._lettered or depth > 1:
            return f"{above}.{place}" if above else str(place)
        return f"{above}.{chr(64 + place)}" if above else "I" * place

    def _write_pathway(self, section: str, pathway: Pathway, diagnosis: str) -> None:
        applies = (f"is(request, {pathway.request})", f"is(diagnosis, {diagnosis})")
        self._state("pathway", f'"{section}"')
        self._state("applies", f'"{section}"', when=applies)
        self._write_criterion(section, pathway.criterion)
        self._write_combinations(section, pathway)
        self._state("months", '"M"', f'"{section}"', str(pathway.months))

    def _write_combinations(self, above: str, pathway: Pathway) -> None:
        section = self._section(above, len(pathway.criterion.parts) + 1)
        self._state("all_of", f'"{above}"', f'"{section}"')
        self._state("criterion", f'"{section}"', '"With listed partners"')
        for place, partners in enumerate(pathway.combinations):
            listed = "; ".join(sorted(partners))
            self._state("combination", f'"{section}"', f'"option {place}"', f"({listed})")
        exact = (f'exact_combination("{self._number}", "{section}")',)
        self._state("met", f'"{section}"', when=exact)

    def _write_criterion(self, section: str, criterion: Criterion) -> None:
        self._state("criterion", f'"{section}"', f'"Generated criterion {section}"')
        for way in criterion.ways:
            self._state("met", f'"{section}"', when=way)
        count = [str(criterion.least)] if criterion.needs == "at_least_of" else []
        for place, part in enumerate(criterion.parts, start=1):
            below = self._section(section, place)
            self._state(criterion.needs, f'"{section}"', *count, f'"{below}"')
            self._write_criterion(below, part)

    def _write_rest(self, design: Design) -> None:
        """Refer or deny requests for other diagnoses, and deny what else is not approved."""
        covered = f"is(diagnosis, {design.diagnosis})"
        self._state("provision", '"R"', '"What is not approved"')
        elsewhere = (f"not {covered}", "yes(regimen_recommended)")
        self._state("refers", '"R"', f'"{design.target}"', when=elsewhere)
        uncovered = (f"not {covered}", "not yes(regimen_recommended)")
        self._state("denies", '"R"', "investigational", when=uncovered)
        unmet = (covered, f'not approved("{self._number}")')
        self._state("denies", '"R"', "not_medically_necessary", when=unmet)
