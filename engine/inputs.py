"""What can be known of a case under one version: its units, their values, and their atoms.

A unit is a fact, or one member of a set: what can be learned by one question. Its values are
numbered from 0: false and true, out and in, the values of a choice in order, or the intervals
between the cut points of a number from the lowest. A set of values is an integer with a bit for
each. The readings of a policy are inputs too, with their choices as values.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.program import Atom, GroundProgram
from facts.values import Bounds, Known, Members, OneOf, Truth
from facts.vocabulary import Fact, Kind


@dataclass(frozen=True, slots=True)
class Unit:
    """A fact, or one member of a set."""

    fact: str
    member: str | None = None

    def __str__(self) -> str:
        return self.fact if self.member is None else f"{self.fact}.{self.member}"


@dataclass(frozen=True)
class Domain:
    """The values of one unit; `atoms` gives, for each of its atoms, the values in which it holds.

    `names` are the values of a choice; `cuts` the steps at which the intervals of a number begin,
    except the lowest; a number is `ordered`.
    """

    unit: Unit
    size: int
    atoms: tuple[tuple[int, int], ...]
    names: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()
    ordered: bool = False

    @cached_property
    def all(self) -> int:
        """All values, as a set."""
        return (1 << self.size) - 1

    @cached_property
    def _bits(self) -> Mapping[str, int]:
        return {name: 1 << place for place, name in enumerate(self.names)}

    def possible(self, known: Truth | OneOf | Bounds) -> int:
        """Return the values that what is known of a fact leaves open."""
        if isinstance(known, Truth):
            return 2 if known.value else 1
        if isinstance(known, OneOf):
            bits = self._bits
            return sum([bits[name] for name in known.values if name in bits])
        low = bisect_right(self.cuts, known.low)
        if known.low == known.high:
            return 1 << low
        return (2 << bisect_right(self.cuts, known.high)) - (1 << low)

    def known(self, values: int, fact: Fact) -> Known:
        """Return values of a fact as what is known of it; those of a number must be neighbours."""
        if self.unit.member is not None:
            member = frozenset([self.unit.member])
            return Members(member, frozenset()) if values == 0b10 else Members(frozenset(), member)
        if self.names:
            return OneOf(frozenset(self.names[place] for place in places(values)))
        if self.ordered:
            low, high = (values & -values).bit_length() - 1, values.bit_length() - 1
            return Bounds(
                self.cuts[low - 1] if low else fact.lowest,
                self.cuts[high] - 1 if high < len(self.cuts) else fact.highest,
            )
        return Truth(values == 0b10)

    def literals(self, values: int) -> Iterator[int]:
        """Yield the assumptions that leave these values open and no others."""
        for atom, holds_in in self.atoms:
            if not values & ~holds_in:
                yield atom
            elif not values & holds_in:
                yield -atom

    def place(self, holds: Mapping[int, bool]) -> int:
        """Return the value in which just those of its atoms hold."""
        values = self.all
        for atom, holds_in in self.atoms:
            values &= holds_in if holds[atom] else ~holds_in
        return values.bit_length() - 1


def places(values: int) -> Iterator[int]:
    """Yield the members of a set of values, the lowest first."""
    while values:
        lowest = values & -values
        yield lowest.bit_length() - 1
        values ^= lowest


def runs(values: int) -> Iterator[int]:
    """Split a set of values into runs of neighbours, the lowest first."""
    while values:
        rest = values & (values + (values & -values))
        yield values & ~rest
        values = rest


class Inputs:
    """The domains of a ground program: of its units, sorted, and of its readings, by name."""

    def __init__(self, program: GroundProgram, facts: Mapping[str, Fact]) -> None:
        self.facts = facts
        atoms: dict[Unit, dict[str | int, int]] = {}
        readings: dict[str, dict[str | int, int]] = {}
        for atom, number in program.atoms.items():
            match atom:
                case ("yes", str(name)):
                    atoms.setdefault(Unit(name), {})[1] = number
                case ("includes", str(name), str(member)):
                    atoms.setdefault(Unit(name, member), {})[1] = number
                case ("is", str(name), str(value)):
                    atoms.setdefault(Unit(name), {})[value] = number
                case ("reaches", str(name), int(least)):
                    atoms.setdefault(Unit(name), {})[least] = number
                case ("reads", _, str(name), str(choice)):
                    readings.setdefault(name, {})[choice] = number
        self.domains = tuple(
            _domain(unit, atoms[unit], facts[unit.fact])
            for unit in sorted(atoms, key=lambda unit: (unit.fact, unit.member or ""))
        )
        self.of_fact: dict[str, list[int]] = {}
        for place, domain in enumerate(self.domains):
            self.of_fact.setdefault(domain.unit.fact, []).append(place)
        self._places_of_members = {
            fact: {str(self.domains[place].unit.member): place for place in of_fact}
            for fact, of_fact in self.of_fact.items()
        }
        self.readings = {name: _choice(Unit(name), readings[name]) for name in sorted(readings)}

    @staticmethod
    def shared(programs: Iterable[GroundProgram]) -> GroundProgram:
        """Return a program without rules over all that some programs ask of a case.

        The readings are left out: those of two policies may have the same names.
        """
        every = set[Atom]().union(*(program.asked for program in programs))
        asked = sorted(every, key=str)
        atoms = {atom: number for number, atom in enumerate(asked, start=1)}
        return GroundProgram((), atoms, frozenset())

    def confine(self, possible: list[int] | dict[int, int], known: Mapping[str, Known]) -> None:
        """Leave each domain, by its place, only the values that what is known of its fact leaves open."""
        for fact, value in known.items():
            if isinstance(value, Truth):
                if fact in self.of_fact:
                    possible[self.of_fact[fact][0]] = 0b10 if value.value else 0b01
            elif isinstance(value, Members):
                members = self._places_of_members.get(fact, {})
                if len(value.includes) + len(value.excludes) == len(self.facts[fact].values):
                    for place in members.values():
                        possible[place] = 0b01
                else:
                    for name in value.excludes:
                        if name in members:
                            possible[members[name]] = 0b01
                for name in value.includes:
                    if name in members:
                        possible[members[name]] = 0b10
            elif fact in self.of_fact:
                place = self.of_fact[fact][0]
                possible[place] = self.domains[place].possible(value)

    def literals(self, fact: str, known: Known) -> Iterator[int]:
        """Yield the assumptions that say what is known of a fact."""
        possible = {place: self.domains[place].all for place in self.of_fact.get(fact, ())}
        self.confine(possible, {fact: known})
        for place, values in possible.items():
            yield from self.domains[place].literals(values)

    def reading_literals(self, readings: Mapping[str, str]) -> list[int]:
        """Return the assumptions that choose the readings."""
        return [
            literal
            for name, domain in self.readings.items()
            for literal in domain.literals(1 << domain.names.index(readings[name]))
        ]

    def case(self, holds: Mapping[int, bool]) -> dict[str, object]:
        """Return a completion's facts in the JSON form; numbers are the least that fit."""
        case: dict[str, object] = {}
        for fact, of_fact in self.of_fact.items():
            values = {self.domains[place]: self.domains[place].place(holds) for place in of_fact}
            if next(iter(values)).unit.member is not None:
                case[fact] = [str(domain.unit.member) for domain in values if values[domain]]
                continue
            ((domain, value),) = values.items()
            match domain.known(1 << value, self.facts[fact]):
                case Truth(truth):
                    case[fact] = truth
                case OneOf():
                    case[fact] = domain.names[value]
                case Bounds(low):
                    case[fact] = self.facts[fact].number(low)
        return case


def as_known(
    domains: Sequence[Domain], values: Mapping[int, int], facts: Mapping[str, Fact]
) -> dict[str, Known]:
    """Say values of domains, by their place, as what is known of their facts."""
    found: dict[str, Known] = {}
    for place in sorted(values):
        domain = domains[place]
        name = domain.unit.fact
        known = domain.known(values[place], facts[name])
        had = found.get(name)
        if isinstance(known, Members) and isinstance(had, Members):
            known = Members(had.includes | known.includes, had.excludes | known.excludes)
        found[name] = known
    return found


def _domain(unit: Unit, atoms: Mapping[str | int, int], fact: Fact) -> Domain:
    if fact.kind is Kind.CHOICE:
        return _choice(unit, atoms)
    if fact.kind is Kind.NUMBER:
        steps = sorted((least, atom) for least, atom in atoms.items() if isinstance(least, int))
        cuts = tuple(least for least, _ in steps if fact.lowest < least <= fact.highest)
        size = len(cuts) + 1
        reached = (
            (atom, (1 << size) - (1 << sum(cut < least for cut in cuts) + (least in cuts)))
            if least <= fact.highest
            else (atom, 0)
            for least, atom in steps
        )
        return Domain(unit, size, tuple(reached), cuts=cuts, ordered=True)
    return Domain(unit, 2, ((atoms[1], 0b10),))


def _choice(unit: Unit, atoms: Mapping[str | int, int]) -> Domain:
    names = tuple(sorted(str(name) for name in atoms))
    held = tuple((atoms[name], 1 << place) for place, name in enumerate(names))
    return Domain(unit, len(names), held, names=names)
