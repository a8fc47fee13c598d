"""Cases in the JSON form, read and walked to their ends by Python that is written for one version.

What stands in a usual form is looked up in tables, which are made of what the careful readers say
of it (`facts.values`, `engine.inputs`). Everything else is left to them, and so is every error.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Generic, TypeAlias, TypeVar

from engine.inputs import Inputs
from engine.walk import Move, Walks
from facts.values import read_value
from facts.vocabulary import Fact, Kind, Vocabulary

T = TypeVar("T")
MOST_VALUES = 4_096
"""Values of one fact that are kept, once read."""
Reader: TypeAlias = Callable[[Mapping[str, object]], T | None]
"""From a case to where it ends, or None if a fact is not in the vocabulary."""


class Intake(Generic[T]):
    """Reads cases for one version, and walks them to their ends. May be shared between threads."""

    def __init__(self, inputs: Inputs, vocabulary: Vocabulary, walks: Walks[T]) -> None:
        self._inputs = inputs
        self._facts = vocabulary.facts
        self._walks = walks
        self._levels = {place: level for level, place in enumerate(walks.diagram.places)}
        self._read = self._written()

    def end(self, facts: Mapping[str, object]) -> T | None:
        """Return what all completions of a case come to; None if something in it is not as usual.

        What that is, is said by `facts.case.read_facts`, to which all that is no plain dictionary is
        left too.
        """
        if facts.__class__ is not dict:
            return None
        try:
            return self._read(facts)
        except (KeyError, TypeError, ValueError):
            return None

    def moves(self, fact: Fact, raw: object) -> Iterator[Move]:
        """Yield the moves that a value comes to, read carefully; none for members that are out.

        Raises ValueProblemError.
        """
        known = read_value(fact, raw)
        of_fact = self._inputs.of_fact.get(fact.name, ())
        possible = {place: self._inputs.domains[place].all for place in of_fact}
        self._inputs.confine(possible, {} if known is None else {fact.name: known})
        for place, values in possible.items():
            if place in self._levels and (fact.kind is not Kind.SET or values != 0b01):
                yield self._walks.move(self._levels[place], values)

    def _written(self) -> Reader[T]:
        """Write the reader. No text of the vocabulary enters what is written, except in tables."""
        names = tuple(self._facts)
        tables: dict[str, object] = {
            "names": names,
            "known": self._facts.keys(),
            "every": itemgetter(*names) if len(names) > 1 else _every(names),
            "walks": self._walks,
        }
        sets, checks = ["members = []"], list[str]()
        steps: dict[Move, list[str]] = {}
        for at, fact in enumerate(self._facts.values()):
            if fact.kind is Kind.SET:
                sets += self._set(f"v{at}", fact, tables)
                continue
            unknown = next(self.moves(fact, None), None)
            lines = self._whole(f"v{at}", fact, unknown, tables)
            if unknown is None:
                checks += lines
            else:
                steps[unknown] = lines
        size = len(self._facts)
        values = "".join(f"v{at}, " for at in range(size))
        body = "\n    ".join(
            [
                f"if len(facts) == {size}: ({values}) = every(facts)",
                "else:",
                f"    ({values}) = read = tuple(map(facts.get, names))",
                f"    if len(facts) + read.count(None) != {size} and not facts.keys() <= known:",
                "        return None",
                *sets,
                *checks,
                "state = walks.start",
                *(line for move in sorted(steps) for line in steps[move]),
                "if not state.ended:",
                "    members.sort()",
                "    for move in members: state = state[move]",
                "return state.end",
            ]
        )
        exec(f"def reader(facts):\n    {body}\n", tables)  # noqa: S102  (our own text)
        return tables["reader"]  # type: ignore[return-value]  # it was just made

    def _set(self, value: str, fact: Fact, tables: dict[str, object]) -> list[str]:
        """Write how a set is read: the moves of its members, or one past all for those not asked."""
        levels = {
            self._inputs.domains[place].unit.member: self._levels[place]
            for place in self._inputs.of_fact.get(fact.name, ())
            if place in self._levels
        }
        past = len(self._levels)
        moves = {name: self._walks.move(levels.get(name, past), 0b10) for name in fact.values}
        tables[f"m{value}"] = moves.__getitem__
        tables[f"u{value}"] = list(self.moves(fact, None))
        tables[f"r{value}"] = lambda raw: self.moves(fact, raw)
        return [
            f"if {value}.__class__ is list: members += map(m{value}, {value})",
            f"elif {value} is None: members += u{value}",
            f"else: members += r{value}({value})",
        ]

    def _whole(
        self, value: str, fact: Fact, unknown: Move | None, tables: dict[str, object]
    ) -> list[str]:
        """Write how the fact moves a case on, or is checked if it is not asked for."""

        def step(move: str) -> str:
            return move if unknown is None else f"state = state[{move}]"

        moves = _Moves(self, fact)
        tables[f"m{value}"], tables[f"r{value}"] = moves, moves.read
        otherwise = f"else: {step(f'r{value}({value})')}"
        if fact.kind is Kind.BOOLEAN:
            tests = {
                f"{value} is True": f"{moves[True]}",
                f"{value} is False": f"{moves[False]}",
                f"{value} is None": f"{unknown}",
            }
        else:
            kinds = ("int", "float") if fact.kind is Kind.NUMBER else ("str",)
            tests = {
                " or ".join(f"{value}.__class__ is {kind}" for kind in kinds): f"m{value}[{value}]",
                f"{value} is None": f"{unknown}",
            }
        lines = [f"elif {test}: {step(move)}" for test, move in tests.items()]
        return [lines[0].removeprefix("el"), *lines[1:], otherwise]


class _Moves(dict[object, Move | None]):
    """The moves of values of one whole fact, each read carefully when it is met for the first time.

    The move is None if the fact is not asked for.
    """

    def __init__(self, intake: Intake[T], fact: Fact) -> None:
        super().__init__()
        self._intake = intake
        self._fact = fact

    def __missing__(self, raw: object) -> Move | None:
        move = self.read(raw)
        if len(self) < MOST_VALUES:
            self[raw] = move
        return move

    def read(self, raw: object) -> Move | None:
        """Return the move of a value in any form. Raises ValueProblemError."""
        return next(self._intake.moves(self._fact, raw), None)


def _every(names: tuple[str, ...]) -> Callable[[Mapping[str, object]], tuple[object, ...]]:
    return lambda facts: tuple(facts[name] for name in names)
