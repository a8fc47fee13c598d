"""Cases in the JSON form, read straight into the values that the domains of a version may have.

What stands in a usual form is looked up in tables, which are made of what the careful readers say
of it (`facts.values`, `engine.inputs`). Everything else is left to them, and so is every error.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from engine.diagram import MOST_DOMAINS
from engine.inputs import Inputs
from facts.values import ValueProblemError, read_value
from facts.vocabulary import Fact, Kind, Vocabulary

MOST_NUMBERS = 4_096
"""Values of one number that are kept, once read."""
SHAPE_IS_USUAL = 1_000
"""Cases with the same facts in the same order from which on these have a reader of their own: to
write one takes as long as it saves on about as many."""
LOOK_EVERY = 16
"""Cases of which one is counted."""
MOST_SHAPES = 100
"""Readers that are kept; cases of ten times as many shapes are counted."""
Members: TypeAlias = tuple[int, list[int], dict[str, tuple[int, int]]]
"""Where the members of a set begin, the values of as many that are out of it, and for each member
its place and its level."""
Read: TypeAlias = tuple[list[int], list[int] | None]
"""The values that each domain may have, and one more; and, if all members are known, the levels of
those that are in their sets."""
Reader: TypeAlias = Callable[[Iterable[object]], Read]
"""From the values of a case to what `Intake.read` returns."""


class Intake:
    """Reads cases for one version. May be shared between threads."""

    def __init__(self, inputs: Inputs, vocabulary: Vocabulary, levels: Mapping[int, int]) -> None:
        """`levels` are those of the places of members in a diagram (`Diagram.levels`)."""
        self._inputs = inputs
        self._facts = vocabulary.facts
        self._levels = levels
        self._nobody = len(inputs.domains)
        """A place past all domains, for facts that the version does not ask for."""
        self._all = [*(domain.all for domain in inputs.domains), 0]
        self._sets: dict[str, Members] = {}
        self._readers: dict[tuple[str, ...], Reader] = {}
        self._asked = 0
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._options: dict[str, tuple[int, dict[object, int]]] = {}
        self._numbers: dict[str, tuple[int, dict[float, int]]] = {}
        self._asked_sets = len(
            {domain.unit.fact for domain in inputs.domains if domain.unit.member is not None}
        )
        for name, fact in vocabulary.facts.items():
            place = inputs.of_fact.get(name, [self._nobody])[0]
            if fact.kind is Kind.SET:
                self._sets[name] = self._members(fact, place)
            elif fact.kind is Kind.NUMBER:
                self._numbers[name] = (place, {})
            else:
                options = (True, False) if fact.kind is Kind.BOOLEAN else fact.values
                self._options[name] = (place, {each: self._values(fact, each) for each in options})

    def read(self, facts: Mapping[str, object]) -> Read | None:
        """Return what a case says; None if something in it is wrong.

        What that is, is said by `facts.case.read_facts`.
        """
        reader = self._readers.get(tuple(facts))
        try:
            return reader(facts.values()) if reader is not None else self._met(facts)
        except (KeyError, TypeError, ValueProblemError):
            return self._read_again(facts)

    def _met(self, facts: Mapping[str, object]) -> Read:
        """Read a case of a shape that is not usual, or not yet."""
        self._asked += 1
        if self._asked % LOOK_EVERY == 0 and len(self._readers) < MOST_SHAPES:
            shape = tuple(facts)
            self._seen[shape] += 1
            if self._seen[shape] * LOOK_EVERY >= SHAPE_IS_USUAL:
                self._readers[shape] = self._written(shape)
            elif len(self._seen) > 10 * MOST_SHAPES:
                self._seen.clear()
        return self._read(facts)

    def _read_again(self, facts: Mapping[str, object]) -> Read | None:
        """Read a case in which something is wrong, or a number is met for the first time."""
        try:
            return self._read(facts)
        except (KeyError, TypeError, ValueProblemError):
            return None

    def _read(self, facts: Mapping[str, object]) -> Read:
        possible, inside, listed = self._all.copy(), list[int](), 0
        options, sets = self._options, self._sets
        for name, raw in facts.items():
            if raw.__class__ is list:
                start, absent, places = sets[name]
                possible[start : start + len(absent)] = absent
                listed += bool(absent)
                for member in raw:
                    place, level = places[member]
                    possible[place] = 0b10
                    inside.append(level)
            elif raw.__class__ is bool or raw.__class__ is str:
                place, values = options[name]
                possible[place] = values[raw]
            elif raw.__class__ is int or raw.__class__ is float:
                place, numbers = self._numbers[name]
                possible[place] = (
                    numbers[raw] if raw in numbers else self._values(self._facts[name], raw)
                )
            else:
                self._confine(possible, name, raw)
        return possible, inside if listed == self._asked_sets else None

    def _written(self, shape: Sequence[str]) -> Reader:
        """Write the same for cases that state some facts in one order, as Python of its own.

        Values are those of `facts`, told apart by their places; no text of a case or of the
        vocabulary enters what is written, except in tables.
        """
        lines = [f"{''.join(f'v{at}, ' for at in range(len(shape)))} = values"] if shape else []
        lines += ["possible = every.copy()", "inside = []", "listed = 0"]
        tables: dict[str, object] = {"every": self._all, "shape": shape, "read": self._confine}
        for at, name in enumerate(shape):
            other = f"else: read(possible, shape[{at}], v{at})"
            if name in self._sets:
                start, absent, places = self._sets[name]
                tables[f"a{at}"], tables[f"t{at}"] = absent, places
                lines += [
                    f"if v{at}.__class__ is list:",
                    f"    possible[{start}:{start + len(absent)}] = a{at}",
                    f"    listed += {int(bool(absent))}",
                    f"    for member in v{at}:",
                    f"        place, level = t{at}[member]",
                    "        possible[place] = 2",
                    "        inside.append(level)",
                    other,
                ]
                continue
            number = name in self._numbers
            place, tables[f"t{at}"] = self._numbers[name] if number else self._options[name]
            boolean = not number and self._facts[name].kind is Kind.BOOLEAN
            kinds = ("int", "float") if number else ("bool",) if boolean else ("str",)
            test = " or ".join(f"v{at}.__class__ is {kind}" for kind in kinds)
            lines += [f"if {test}: possible[{place}] = t{at}[v{at}]", other]
        body = "\n    ".join(
            [*lines, f"return possible, inside if listed == {self._asked_sets} else None"]
        )
        exec(f"def reader(values):\n    {body}\n", tables)  # noqa: S102  (our own text)
        return tables["reader"]  # type: ignore[return-value]  # it was just made

    def _confine(self, possible: list[int], name: str, raw: object) -> None:
        """Read a fact in a form that is not in the tables. Raises ValueProblemError."""
        known = read_value(self._facts[name], raw)
        if known is not None:
            self._inputs.confine(possible, {name: known})

    def _values(self, fact: Fact, raw: object) -> int:
        """Return the values that a fact may have; those of a number are kept for the next case."""
        possible = self._all.copy()
        self._confine(possible, fact.name, raw)
        place = self._inputs.of_fact.get(fact.name, [self._nobody])[0]
        _, numbers = self._numbers.get(fact.name, (place, {}))
        if isinstance(raw, int | float) and len(numbers) < MOST_NUMBERS:
            numbers[raw] = possible[place]
        return possible[place]

    def _members(self, fact: Fact, start: int) -> Members:
        own = self._inputs.of_fact.get(fact.name, [])
        places = dict.fromkeys(fact.values, (self._nobody, MOST_DOMAINS))
        places |= {
            str(self._inputs.domains[place].unit.member): (
                place,
                self._levels.get(place, MOST_DOMAINS),
            )
            for place in own
        }
        return start, [0b01] * len(own), places
