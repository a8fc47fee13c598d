"""Say by brute force what an analysis of random policies has to say: findings, regions, routes.

A second derivation, from the definitions alone. All complete cases that a policy can tell apart are
laid out side by side; what holds of them is an integer with a bit for each case. Nothing is
searched for, and the text of the policy is not read.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

from explanations import Fact, Unit, concrete, every, units_of
from synthetic import Policy, Says
from synthetic_facts import Condition, Rules, State

Bits: TypeAlias = int
"""The cases for which something holds."""
Region: TypeAlias = Mapping[str, tuple[int, ...]]
"""For some units, the places of the values that they may have."""
Findings: TypeAlias = Counter[tuple[str, str]]
"""Kinds and subjects, with how many findings have them."""

OUTCOMES = ("approve", "refer", "deny")
PARTS = {"months": "approve", "refer_to": "refer", "basis": "deny"}
_WORSE = (("approve", "refer"), ("approve", "deny"), ("refer", "deny"))


class Universe:
    """All complete cases over some facts, contradictions included, in the order of a product."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        by_name = {fact.name: fact for fact in facts}
        self.facts = [by_name[name] for name in sorted(by_name)]
        self.units = {unit.name: unit for fact in self.facts for unit in units_of(fact)}
        self.size = math.prod(len(unit.values) for unit in self.units.values())
        self.ones: Bits = (1 << self.size) - 1
        self._strides: dict[str, int] = {}
        stride = self.size
        for name, unit in self.units.items():
            stride //= len(unit.values)
            self._strides[name] = stride
        self._having = {
            name: [self._striped(name, place) for place in every(unit)]
            for name, unit in self.units.items()
        }

    def _striped(self, name: str, place: int) -> Bits:
        stride, values = self._strides[name], len(self.units[name].values)
        period = stride * values
        run = ((1 << stride) - 1) << stride * place
        return sum(run << start for start in range(0, self.size, period))

    def having(self, name: str, places: Iterable[int]) -> Bits:
        """Return the cases in which a unit has one of some values."""
        return sum(self._having[name][place] for place in set(places))

    def within(self, region: Region) -> Bits:
        """Return the cases of a region."""
        bits = self.ones
        for name, places in region.items():
            bits &= self.having(name, places)
        return bits

    def turned(self, bits: Bits, name: str, place: int, other: int) -> Bits:
        """Return the cases that come of those with one value of a unit by giving it another."""
        shift = self._strides[name] * (other - place)
        kept = bits & self._having[name][place]
        return kept << shift if shift > 0 else kept >> -shift

    def flips(self, name: str) -> Iterator[tuple[int, int]]:
        """List the ways in which a unit can go from one value to another."""
        return itertools.permutations(every(self.units[name]), 2)

    def differ_in(self, name: str, first: Bits, second: Bits) -> bool:
        """Tell whether a case of the first is one of the second, but for another value of a unit."""
        return any(
            self.turned(first, name, place, other) & second for place, other in self.flips(name)
        )

    def points(self) -> Iterator[dict[str, Any]]:
        """List the facts of all cases."""
        states = [
            [
                concrete(fact, places)
                for places in itertools.product(*(every(unit) for unit in units_of(fact)))
            ]
            for fact in self.facts
        ]
        names = [fact.name for fact in self.facts]
        for values in itertools.product(*states):
            yield dict(zip(names, values, strict=True))


class Laid:
    """One version of a policy, read in one way, over all cases."""

    def __init__(
        self, universe: Universe, policy: Policy, version: str, readings: Mapping[str, str]
    ) -> None:
        self.universe, self.policy = universe, policy
        self.version, self.readings = version, readings
        self._states = [State(point, readings, version) for point in universe.points()]
        said = [policy.says(state) for state in self._states]
        self.valid = _bits(each is not None for each in said)
        self.given = {
            outcome: _bits(each is not None and outcome in each.outcomes for each in said)
            for outcome in OUTCOMES
        }
        # Who gets several outcomes is not decided.
        self.outcomes = {
            outcome: bits
            & ~_any(others for other, others in self.given.items() if other != outcome)
            for outcome, bits in self.given.items()
        }
        self.answers: dict[tuple[str, str, str], Bits] = {}
        for place, each in enumerate(said):
            for answer in each.answers if each else ():
                self.answers[answer] = self.answers.get(answer, 0) | 1 << place
        self._said: Sequence[Says | None] = said
        self.met = {name: self.holding(each.holds) for name, each in policy.criteria.items()}
        self.applies = {name: self.holding(test) for name, test in policy.applies.items()}
        self.approves = {name: self.applies[name] & self.met[name] for name in policy.pathways}

    def holding(self, test: Callable[[State], bool]) -> Bits:
        """Return the cases without contradiction in which a condition holds."""
        return _bits(map(test, self._states)) & self.valid

    def without_changes_nothing(self, section: str, *parts: str) -> bool:
        """Tell whether every case gets the same answer if a criterion is asked without parts.

        Without any, it is a pathway that does not approve.
        """
        for state, said in zip(self._states, self._said, strict=True):
            left_out = State(state.facts, state.readings, state.version, (section, *parts))
            if _values(self.policy.says(left_out)) != _values(said):
                return False
        return True

    # --- The tree ---

    @cached_property
    def parts(self) -> dict[str, tuple[str, list[str]]]:
        """What the criteria of the version need of which parts."""
        return {
            name: (each.needs.removesuffix("_of"), sorted(each.parts_in(self.version), key=_order))
            for name, each in self.policy.criteria.items()
            if each.needs is not None
        }

    def ways(self, root: str, section: str) -> Iterator[list[str]]:
        """List all paths down the tree from a root to a section."""
        if root == section:
            yield [root]
        for part in self.parts.get(root, ("", []))[1]:
            for way in self.ways(part, section):
                yield [root, *way]

    @cached_property
    def roots(self) -> dict[str, list[str]]:
        """The pathways and dispositions above each criterion of the version, criteria in order."""
        found = {
            section: [root for root in self.policy.applies if any(self.ways(root, section))]
            for section in sorted(self.policy.criteria, key=_order)
        }
        return {section: roots for section, roots in found.items() if roots}

    def parents(self, section: str) -> list[str]:
        """List the criteria that a section is a part of."""
        return [name for name, (_, parts) in self.parts.items() if section in parts]


def _bits(holds: Iterable[bool]) -> Bits:
    return int("".join("01"[one] for one in holds)[::-1] or "0", 2)


def _order(section: str) -> list[str]:
    return section.split(".")


def _values(said: Says | None) -> tuple[frozenset[str], frozenset[tuple[str, str]]] | None:
    """Leave out the sections that say so."""
    if said is None:
        return None
    return said.outcomes, frozenset((part, value) for part, _, value in said.answers)


# --- Findings -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expected:
    """Hold what is to be found in one version of a policy."""

    findings: Findings
    directions: Mapping[str, Sequence[frozenset[str]]]
    """For each choice of a reading that decides, what it moves: one of each set is to be shown."""
    referred: frozenset[str]
    """The policies that some case is referred to."""


def expected_findings(
    policy: Policy, version: str, readings: Mapping[str, str]
) -> tuple[Expected, Laid]:
    """Find by brute force what is wrong or worth knowing of one version of a policy."""
    universe = Universe(policy.facts)
    everyway = {
        tuple(chosen.items()): Laid(universe, policy, version, chosen)
        for chosen in (
            dict(zip(policy.readings, choices, strict=True))
            for choices in itertools.product(*policy.readings.values())
        )
    }
    laid = everyway[tuple((name, readings[name]) for name in policy.readings)]
    directions = dict(_reading_decides(everyway, laid))
    found = Counter(
        itertools.chain(
            _outcomes(everyway.values()),
            (("reading-without-effect", name) for name in _idle_readings(everyway, policy)),
            _criteria(laid),
            _ways_to(laid, "somehow", policy.helper),
            _overlapping(laid),
            _same_referral(laid),
            _evidence(laid),
            _thresholds(list(everyway.values()), _dead(laid)[0]),
            (("reading-decides", choice) for choice in directions),
            _renewal(laid),
        )
    )
    referred = frozenset(
        answer[2]
        for answer, bits in laid.answers.items()
        if answer[0] == "refer_to" and bits & laid.outcomes["refer"]
    )
    return Expected(found, directions, referred), laid


def _outcomes(everyway: Iterable[Laid]) -> Iterator[tuple[str, str]]:
    everyway = list(everyway)
    if any(laid.valid & ~_any(laid.given.values()) for laid in everyway):
        yield "no-outcome", "none"
    for one, other in itertools.combinations(OUTCOMES, 2):
        if any(laid.given[one] & laid.given[other] for laid in everyway):
            yield "several-outcomes", f"{one} and {other}"


def _any(several: Iterable[Bits]) -> Bits:
    bits = 0
    for each in several:
        bits |= each
    return bits


def _idle_readings(
    everyway: Mapping[tuple[tuple[str, str], ...], Laid], policy: Policy
) -> Iterator[str]:
    for name in policy.readings:
        outcomes: dict[tuple[tuple[str, str], ...], set[tuple[Any, ...]]] = {}
        for chosen, laid in everyway.items():
            others = tuple(item for item in chosen if item[0] != name)
            parts = (_by_value(laid, part, laid.valid) for part in PARTS)
            whole = (*laid.outcomes.values(), *(tuple(sorted(each.items())) for each in parts))
            outcomes.setdefault(others, set()).add(whole)
        if all(len(alike) == 1 for alike in outcomes.values()):
            yield name


def _criteria(laid: Laid) -> Iterator[tuple[str, str]]:
    dead, found = _dead(laid)
    yield from found
    idle = set(dead)
    twins = set[frozenset[str]]()
    for kind, subject, section in itertools.chain(_always_met(laid), _contained(laid)):
        idle.add(section)
        if kind == "same-effect":
            twins.add(frozenset(subject.split(" = ")))
        yield kind, subject
    for section, (needs, parts) in laid.parts.items():
        for part in parts:
            if needs == "at_least" or section not in laid.roots or part in idle:
                continue
            alike = [other for other in parts if other == part or {part, other} in twins]
            if laid.without_changes_nothing(section, *alike):
                yield "never-decisive", f"{part} of {section}"
    yield from _idle_pathways(laid, [each for each in laid.policy.pathways if each not in dead])
    yield from _same_criterion(laid)
    for section in laid.roots:
        if section not in laid.parts and section not in dead:
            yield from _ways_to(laid, section, laid.policy.criteria[section].rules)


def _idle_pathways(laid: Laid, live: Sequence[str]) -> Iterator[tuple[str, str]]:
    """List the pathways that approve nobody, or that another makes needless."""
    for place, pathway in enumerate(live):
        mine = laid.approves[pathway]
        if not mine:
            yield "never-met", pathway
            continue
        if not laid.without_changes_nothing(pathway):
            continue
        wider = [each for each in live if each != pathway and not mine & ~laid.approves[each]]
        same = [each for each in wider if laid.approves[each] == mine]
        if not wider:
            yield "never-decisive", pathway
        elif not same:
            yield "contained", f"{pathway} in {wider[0]}"
        elif same[0] in live[:place]:
            yield "same-effect", f"{same[0]} = {pathway}"


def _dead(laid: Laid) -> tuple[set[str], list[tuple[str, str]]]:
    """Return the criteria that never help, and what is found of them.

    Those below one of them alone, or below a root that nobody can meet, are not found themselves.
    """
    found: list[tuple[str, str]] = []
    closed: set[str] = set()
    for root in (
        *laid.policy.pathways,
        *(r for r in laid.policy.applies if r not in laid.policy.pathways),
    ):
        asked = _asked(laid, root)
        if not laid.applies[root]:
            closed.add(root)
            found.append(("never-met", root))
        elif not laid.applies[root] & _all(laid, asked):
            closed.add(root)
            core = _fewest(laid, laid.applies[root], asked)
            kind = "contradicting-sections" if len(core) > 1 else "never-met"
            found.append((kind, root if len(core) > 1 else core[0]))
    dead: set[str] = set()
    for section, roots in laid.roots.items():
        above = [parent for parent in laid.parents(section) if parent in laid.roots]
        left = [root for root in roots if root not in closed]
        if not left or (above and dead.issuperset(above)):
            dead.add(section)
        elif not laid.met[section]:
            dead.add(section)
            found.append(("never-met", section))
        elif _is_ruled_out(laid, section, left):
            dead.add(section)
            found.append(("contradicting-sections", section))
    return dead, found


def _asked(laid: Laid, root: str) -> list[str]:
    """List what a root asks of everybody, down to what has no parts that are all asked for."""
    needs, parts = laid.parts.get(root, ("", []))
    if needs != "all":
        return [root]
    return list(dict.fromkeys(deeper for part in parts for deeper in _asked(laid, part)))


def _all(laid: Laid, sections: Iterable[str]) -> Bits:
    bits = laid.valid
    for section in sections:
        bits &= laid.met[section]
    return bits


def _fewest(laid: Laid, among: Bits, asked: Sequence[str]) -> list[str]:
    """Leave out what is not needed for nobody to meet all, the first first."""
    kept = list(asked)
    for section in asked:
        rest = [other for other in kept if other != section]
        if not among & _all(laid, rest):
            kept = rest
    return kept


def _is_ruled_out(laid: Laid, section: str, roots: Iterable[str]) -> bool:
    """Tell whether nobody with a section can have the rest that any way up from it asks for."""
    for root in roots:
        asked = laid.applies[root] & laid.met[section]
        if not asked:
            return False
        for way in laid.ways(root, section):
            if any(laid.parts[above][0] == "none" for above in way[:-1]):
                return False
            if asked & _required(laid, way):
                return False
    return True


def _required(laid: Laid, way: Sequence[str]) -> Bits:
    """Return the cases that meet all that is asked for beside a way down the tree."""
    bits = laid.valid
    for above, below in itertools.pairwise(way):
        needs, parts = laid.parts[above]
        if needs == "all":
            for part in parts:
                if part != below:
                    bits &= laid.met[part]
    return bits


def _always_met(laid: Laid) -> Iterator[tuple[str, str, str]]:
    for section, roots in laid.roots.items():
        applying = [laid.applies[root] for root in roots if laid.applies[root]]
        if section in roots or not applying:
            continue
        if not any(applies & ~laid.met[section] for applies in applying):
            yield "always-met", section, section


def _contained(laid: Laid) -> Iterator[tuple[str, str, str]]:
    for section, (needs, parts) in laid.parts.items():
        if needs == "at_least" or section not in laid.roots:
            continue
        settled = (0, laid.valid)
        among = [part for part in parts if laid.met[part] not in settled]
        for one, other in itertools.combinations(among, 2):
            mine, theirs = laid.met[one], laid.met[other]
            if mine == theirs:
                yield "same-effect", f"{one} = {other}", other
            elif mine & theirs in (mine, theirs):
                narrow, wide = (one, other) if mine & theirs == mine else (other, one)
                yield "contained", f"{narrow} in {wide}", wide if needs == "all" else narrow


def _same_criterion(laid: Laid) -> Iterator[tuple[str, str]]:
    alike: dict[Bits, list[str]] = {}
    for section in laid.roots:
        alone = any(laid.parts[above][1] == [section] for above in laid.parents(section))
        if not alone and laid.met[section] not in (0, laid.valid):
            alike.setdefault(laid.met[section], []).append(section)
    for sections in alike.values():
        if len(sections) > 1:
            yield "same-criterion", " = ".join(sections)


def _ways_to(laid: Laid, about: str, rules: Rules) -> Iterator[tuple[str, str]]:
    """List the ways to one thing that no case has, or of which another holds all cases.

    A way is named by its conditions. One that asks for any member is a way for each member.
    """
    ways: list[tuple[str, Bits]] = []
    for rule in rules:
        if any(map(_asks_the_policy, rule)):
            continue
        for spelled in itertools.product(*(_spelled(laid, condition) for condition in rule)):
            bits = laid.valid
            for _, holds in spelled:
                bits &= holds
            ways.append((way_named(", ".join(text for text, _ in spelled if text)), bits))
    for way in {way for way, bits in ways if not bits}:
        yield "never-met", f"{about}: {way}"
    nested = {
        way
        for place, (way, mine) in enumerate(ways)
        for at, (other, theirs) in enumerate(ways)
        if mine
        and mine & theirs == mine
        and at != place
        and (mine != theirs or (other, at) < (way, place))
    }
    for way in nested:
        yield "contained", f"{about}: {way}"


def way_named(listed: str) -> str:
    """Put the conditions that a way is named by in one order, without what is written twice."""
    return ", ".join(
        sorted(set(listed.split(", ")), key=lambda text: (text.removeprefix("not "), text))
    )


def _asks_the_policy(condition: Condition) -> bool:
    return condition.text.removeprefix("not ").startswith(("reads", "met"))


def _spelled(laid: Laid, condition: Condition) -> Iterator[tuple[str, Bits]]:
    """Spell out the alternatives of a condition, each in words and with the cases it holds for.

    A condition on dates has no words; if it does not hold there is no way with it.
    """
    universe = laid.universe
    if condition.dated:
        if condition.holds(State({}, {}, laid.version)):
            yield "", laid.valid
        return
    words = "".join(" " if letter in "(," else letter for letter in condition.text if letter != '"')
    if condition.alternatives:
        predicate, name, *values = words.replace(";", " ").replace(")", "").split()
        unit = universe.units[name]
        for value in values:
            yield f"{predicate} {name} {value}", universe.having(name, [unit.values.index(value)])
        return
    if words.endswith("_)"):
        *negation, asked, name, _ = words.split()
        if not negation:
            for unit in universe.units.values():
                if unit.fact.name == name:
                    yield f"{asked} {name} {unit.member}", universe.having(unit.name, [1])
            return
        members = [unit.member for unit in universe.units.values() if unit.fact.name == name]
        words = f"not {asked} {name} {members[0] if len(members) == 1 else '_'}"
    said = words.replace(")", "").replace(laid.policy.number, "")
    yield " ".join(said.split()), laid.holding(condition.holds)


def _overlapping(laid: Laid) -> Iterator[tuple[str, str]]:
    for one, other in itertools.combinations(laid.policy.pathways, 2):
        both = laid.approves[one] & laid.approves[other]
        mine, theirs = (
            {
                key[2]: bits
                for key, bits in laid.answers.items()
                if key[:2] == ("months", f"5.{name}")
            }
            for name in (one, other)
        )
        if any(
            first != second and both & here & there
            for (first, here), (second, there) in itertools.product(mine.items(), theirs.items())
        ):
            yield "overlapping-pathways", f"{one} and {other}: months"


def _same_referral(laid: Laid) -> Iterator[tuple[str, str]]:
    referrals = [
        (key, bits & laid.outcomes["refer"])
        for key, bits in sorted(laid.answers.items())
        if key[0] == "refer_to"
    ]
    found = {
        (one[1], other[1], unit.fact.name)
        for (one, mine), (other, theirs) in itertools.combinations(referrals, 2)
        if one[2] == other[2]
        for name, unit in laid.universe.units.items()
        if laid.universe.differ_in(name, mine & ~theirs, theirs & ~mine)
    }
    for one, other, fact in found:
        yield "same-effect", f"{one} = {other}: {fact}"


def _evidence(laid: Laid) -> Iterator[tuple[str, str]]:
    found = {
        f"{unit.fact.name}: {better} to {worse}"
        for name, unit in laid.universe.units.items()
        if unit.fact.changer == "document" and unit.fact.kind in ("boolean", "set")
        for better, worse in _WORSE
        if laid.universe.turned(laid.outcomes[better], name, 0, 1) & laid.outcomes[worse]
    }
    for subject in found:
        yield "evidence-hurts", subject


def _thresholds(everyway: Sequence[Laid], dead: Collection[str]) -> Iterator[tuple[str, str]]:
    """List the values at which a criterion that can help compares a number, and no answer turns."""
    laid = everyway[0]
    compared = {
        turn
        for name, criterion in laid.policy.criteria.items()
        if name not in dead
        for turn in _turns(criterion.rules, laid)
    }
    for name, least in compared:
        unit = laid.universe.units[name]
        (place,) = (
            place
            for place, interval in enumerate(unit.values)
            if getattr(interval, "low", None) == least
        )
        if not any(_turns_at(each, name, place) for each in everyway):
            yield "threshold-without-effect", f"{name} {Decimal(least).normalize():f}"


def _turns(rules: Iterable[Iterable[Condition]], laid: Laid) -> Iterator[tuple[str, Any]]:
    """List what rules compare, those of the policy's own name included, as the version has them."""
    dated = State({}, {}, laid.version)
    for rule in rules:
        conditions = list(rule)
        if all(condition.holds(dated) for condition in conditions if condition.dated):
            for condition in conditions:
                if condition.turns is not None:
                    yield condition.turns
                yield from _turns(condition.ways, laid)


def _turns_at(laid: Laid, name: str, place: int) -> bool:
    universe = laid.universe
    below, above = laid.valid & universe.having(name, [place - 1]), laid.valid
    values = [bits for part in PARTS for bits in _by_value(laid, part, laid.valid).values()]
    return any(
        universe.turned(below & mine, name, place - 1, place) & above & ~mine
        or universe.turned(below & ~mine, name, place - 1, place) & mine
        for mine in (*laid.outcomes.values(), *values)
    )


def _reading_decides(
    everyway: Mapping[tuple[tuple[str, str], ...], Laid], laid: Laid
) -> Iterator[tuple[str, list[frozenset[str]]]]:
    """List the choices that move an outcome, or else a part of the answer alone, with the moves.

    Of months, one move to fewer and one to more is enough.
    """
    for name, choices in laid.policy.readings.items():
        for choice in choices:
            if choice == laid.readings[name]:
                continue
            chosen = {**laid.readings, name: choice}
            otherwise = everyway[tuple((each, chosen[each]) for each in laid.policy.readings)]
            outcomes: dict[tuple[object, ...], set[str]] = {}
            parts: dict[tuple[object, ...], set[str]] = {}
            for part, one, other in expected_differences(laid, otherwise):
                if "pend" in (one, other):
                    continue
                if part == "outcome":
                    outcomes[one, other] = {f"{one} to {other}"}
                    continue
                counted = part == "months" and "none" not in (one, other)
                kind = (part, int(one) < int(other)) if counted else (part, one, other)
                parts.setdefault(kind, set()).add(f"{part} from {one} to {other}")
            if outcomes or parts:
                moves = (outcomes or parts).values()
                yield f"{name}={choice}", [frozenset(alike) for alike in moves]


def _renewal(laid: Laid) -> Iterator[tuple[str, str]]:
    if "request" not in laid.universe.units:
        return
    for kind, first, second in (
        ("not-renewable", "initial", "continuation"),
        ("renewable-only", "continuation", "initial"),
    ):
        before, after = (
            laid.outcomes["approve"] & laid.universe.having("request", [place])
            for place in (("initial", "continuation").index(phase) for phase in (first, second))
        )
        if before and after and _some_stranded(laid, before, after):
            yield kind, first


def _some_stranded(laid: Laid, before: Bits, after: Bits) -> bool:
    """Tell whether some case has no other that is approved and has the same treatment.

    The treatment is what the first approval hangs on.
    """
    universe = laid.universe
    at_first = universe.having("request", [0])
    approved = at_first & laid.outcomes["approve"]
    others = laid.valid & at_first & ~laid.outcomes["approve"]
    treatment = [
        name
        for name, unit in universe.units.items()
        if name != "request"
        and unit.fact.changer in ("prescribe", "fixed")
        and universe.differ_in(name, approved, others)
    ]
    for places in itertools.product(*(every(universe.units[name]) for name in treatment)):
        same = universe.within({n: (p,) for n, p in zip(treatment, places, strict=True)})
        if same & before and not same & after:
            return True
    return False


# --- Comparisons and routes -----------------------------------------------------------------


def expected_differences(
    first: Laid, second: Laid
) -> dict[tuple[str, str, str], tuple[Bits, Bits]]:
    """Return the cases that part two policies, by what the two say, and those looked at."""
    both = first.valid & second.valid
    found = {}
    mine, theirs = (
        {**laid.outcomes, "pend": laid.valid & ~_any(laid.outcomes.values())}
        for laid in (first, second)
    )
    for one, other in itertools.permutations((*OUTCOMES, "pend"), 2):
        found["outcome", one, other] = (mine[one] & theirs[other], both)
    for part, outcome in PARTS.items():
        among = both & first.outcomes[outcome] & second.outcomes[outcome]
        mine, theirs = (_by_value(laid, part, among) for laid in (first, second))
        unlike = _any(mine.get(value, 0) ^ theirs.get(value, 0) for value in {*mine, *theirs})
        for (one, here), (other, there) in itertools.product(mine.items(), theirs.items()):
            if one != other:
                found[part, one, other] = (here & there & unlike, among)
    return {key: (bits & among, among) for key, (bits, among) in found.items() if bits & among}


def _by_value(laid: Laid, part: str, among: Bits) -> dict[str, Bits]:
    """Return the cases that get a value of a part of the answer, or none."""
    found: dict[str, Bits] = {}
    for (name, _, value), bits in laid.answers.items():
        if name == part:
            found[value] = found.get(value, 0) | bits
    return {**found, "none": among & ~_any(found.values())}


def expected_verdict(differences: Iterable[tuple[str, str, str]]) -> str:
    """Say how the first stands to the second."""
    stricter = looser = parted = False
    for part, one, other in differences:
        parted = True
        if "pend" in (one, other):
            stricter = looser = True
            continue
        if part == "outcome":
            worse = OUTCOMES.index(one) > OUTCOMES.index(other)
        elif part == "months" and "none" not in (one, other):
            worse = int(one) < int(other)
        else:
            continue
        stricter, looser = stricter or worse, looser or not worse
    if stricter and looser:
        return "incomparable"
    if stricter or looser:
        return "stricter" if stricter else "looser"
    return "same-outcomes" if parted else "equivalent"


def expected_phases(first: Laid, second: Laid, names: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Say the same of each kind of request and line of business."""
    universe = first.universe
    parted = expected_differences(first, second)
    found = {}
    for places in itertools.product(*(every(universe.units[name]) for name in names)):
        within = universe.within({name: (p,) for name, p in zip(names, places, strict=True)})
        if not within & first.valid & second.valid:
            continue
        here = [key for key, (bits, _) in parted.items() if bits & within]
        values = (str(universe.units[n].values[p]) for n, p in zip(names, places, strict=True))
        found[tuple(values)] = expected_verdict(here)
    return found


def faults_of_regions(
    universe: Universe, regions: Sequence[Region], wanted: Bits, among: Bits
) -> Iterator[str]:
    """Say what is wrong with regions that are to be prime, to cover, and to be needed, each one."""
    held = [universe.within(region) & among for region in regions]
    if _any(held) != wanted:
        yield f"{_any(held) ^ wanted:b} are in a region and should not be, or the other way round"
    for place, (region, bits) in enumerate(zip(regions, held, strict=True)):
        others = _any(held[:place] + held[place + 1 :])
        if not bits & wanted & ~others:
            yield f"{region} is not needed"
        for name, places in region.items():
            rest = {other: values for other, values in region.items() if other != name}
            if not universe.within(rest) & among & ~wanted:
                yield f"{region} needs no {name}"
            for value in _further(universe.units[name], places):
                more = universe.within({**region, name: (value,)}) & among
                if more and not more & ~wanted:
                    yield f"{region} could have value {value} of {name} too"


def _further(unit: Unit, places: Sequence[int]) -> Iterator[int]:
    """List the values that could be added to some of a unit: of a number, those beside them."""
    for value in every(unit):
        if value not in places and (
            unit.fact.kind != "number" or {value - 1, value + 1} & set(places)
        ):
            yield value
