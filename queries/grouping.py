"""Changes and regions that differ in one drug alone, put together: fewer lines, nothing lost."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.explanation import Change
from facts.values import Bounds, Known, Members, OneOf, Truth
from facts.vocabulary import Vocabulary

MOST_EXCEPTIONS = 3
"""Drugs that "any drug" may lack; they are named."""
FEWEST_ANY = 6
"""Drugs that make "any drug"; fewer are listed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A member of a set fact to add, or to remove: any one of these."""

    adds: bool
    members: frozenset[str]


Value: TypeAlias = Truth | Bounds | OneOf | tuple[Place, ...]
"""What a fact would have to be; a set by the members to add and to remove, one at each place."""


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that are alike but for one member at each place: all combinations, each once."""

    changes: tuple[Change, ...]
    values: Mapping[str, Value]

    @property
    def first(self) -> Change:
        """The change ranked first; the others share its facts, its effort and its sections."""
        return self.changes[0]


def group_changes(changes: Sequence[Change], vocabulary: Vocabulary) -> tuple[Group, ...]:
    """Group changes, in the order of the first of each group.

    Members are alternatives at one place if they are of one class of drugs, or if they are all
    drugs of the vocabulary but a few.
    """
    kinds = [
        (change.effort, change.sections, change.establishes, change.alters, change.undoes)
        for change in changes
    ]
    alike = group_alike([change.facts for change in changes], kinds, vocabulary)
    return tuple(
        Group(tuple(changes[number] for number in one.numbers), one.values) for one in alike
    )


@dataclass(frozen=True, slots=True)
class Alike:
    """Sets of facts, by number, that are alike but for one member at each place."""

    numbers: tuple[int, ...]
    values: Mapping[str, Value]


def group_alike(
    facts: Sequence[Mapping[str, Known]],
    kinds: Sequence[Hashable],
    vocabulary: Vocabulary,
    *,
    any_drugs: bool = False,
) -> tuple[Alike, ...]:
    """Group sets of facts of the same kind, in the order of the first of each group.

    With `any_drugs`, members are alternatives whatever their class.
    """
    boxes = [
        _box(number, stated, kind)
        for number, (stated, kind) in enumerate(zip(facts, kinds, strict=True))
    ]
    families = _families(vocabulary)
    if any_drugs:
        families.append(_Family(families[0].members, 2))
    while (merged := _merge(boxes, families)) is not None:
        boxes = merged
    return tuple(
        Alike(box.numbers, _values(box, facts[box.numbers[0]]))
        for box in sorted(boxes, key=lambda box: box.numbers)
    )


def places_of(known: Members) -> tuple[Place, ...]:
    """Return the places of members to add and to remove, one member each."""
    return _ordered(
        Place(adds, frozenset([member]))
        for adds, members in ((True, known.includes), (False, known.excludes))
        for member in members
    )


def _ordered(places: Iterable[Place]) -> tuple[Place, ...]:
    """Order places: what is added first, single members before alternatives."""
    return tuple(
        sorted(
            places,
            key=lambda place: (not place.adds, len(place.members) > 1, sorted(place.members)),
        )
    )


@dataclass(frozen=True, slots=True)
class _Box:
    """Sets of facts that share `kind`, by their numbers, as all combinations of some places."""

    kind: Hashable
    places: frozenset[tuple[str, Place]]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Family:
    """Members that may stand for one another, if there are at least so many of them."""

    members: frozenset[str]
    fewest: int


def _families(vocabulary: Vocabulary) -> list[_Family]:
    """List all drugs as one family, then each class."""
    drugs = frozenset(vocabulary.drugs)
    classes = (
        frozenset(drug.name for drug in vocabulary.drugs.values() if name in drug.classes)
        for name in sorted(vocabulary.classes)
    )
    everything = _Family(drugs, max(FEWEST_ANY, len(drugs) - MOST_EXCEPTIONS))
    return [everything, *(_Family(members, 2) for members in classes)]


def _box(number: int, facts: Mapping[str, Known], kind: Hashable) -> _Box:
    values = tuple(
        (name, None if isinstance(known, Members) else known)
        for name, known in sorted(facts.items(), key=lambda item: item[0])
    )
    places = frozenset(
        (name, place)
        for name, known in facts.items()
        if isinstance(known, Members)
        for place in places_of(known)
    )
    return _Box((values, kind), places, (number,))


def _values(box: _Box, facts: Mapping[str, Known]) -> dict[str, Value]:
    """Read the values of all facts off a box."""
    return {
        name: _ordered(place for owner, place in box.places if owner == name)
        if isinstance(known, Members)
        else known
        for name, known in sorted(facts.items(), key=lambda item: item[0])
    }


_Candidates: TypeAlias = list[tuple[_Box, str, Place]]


def _merge(boxes: Sequence[_Box], families: Sequence[_Family]) -> list[_Box] | None:
    """Put together boxes that differ at one place; None if there are none."""
    for family in families:
        alike: dict[Hashable, _Candidates] = defaultdict(list)
        for box in boxes:
            for name, place in box.places:
                if place.members <= family.members:
                    rest = (box.kind, box.places - {(name, place)}, name, place.adds)
                    alike[rest].append((box, name, place))
        taken: set[int] = set()
        merged: list[_Box] = []
        for candidates in sorted(alike.values(), key=_most_first):
            free = [found for found in candidates if found[0].numbers[0] not in taken]
            members = frozenset(member for *_, place in free for member in place.members)
            if len(free) > 1 and len(members) >= family.fewest:
                taken.update(box.numbers[0] for box, *_ in free)
                merged.append(_union(free, members))
        if merged:
            return [*(box for box in boxes if box.numbers[0] not in taken), *merged]
    return None


def _most_first(candidates: _Candidates) -> tuple[object, ...]:
    """Order by the number of alternatives, then by the changes and the place."""
    numbers = [box.numbers for box, *_ in candidates]
    _, name, place = candidates[0]
    return (-len(candidates), numbers, name, place.adds, sorted(place.members))


def _union(candidates: _Candidates, members: frozenset[str]) -> _Box:
    """Join boxes that are the same but for the members at one place."""
    box, name, place = candidates[0]
    numbers = sorted(number for other, *_ in candidates for number in other.numbers)
    places = box.places - {(name, place)} | {(name, Place(place.adds, members))}
    return _Box(box.kind, places, tuple(numbers))
