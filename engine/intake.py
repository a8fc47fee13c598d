"""Cases in the JSON form, read straight into the values that the domains of a version may have.

What stands in a usual form is looked up in tables, which are made of what the careful readers say
of it (`facts.values`, `engine.inputs`). Everything else is left to them, and so is every error.
"""

from collections.abc import Mapping

from engine.inputs import Inputs
from facts.values import ValueProblemError, read_value
from facts.vocabulary import Fact, Kind, Vocabulary

MOST_NUMBERS = 4_096
"""Values of one number that are kept, once read."""


class Intake:
    """Reads cases for one version. May be shared between threads."""

    def __init__(self, inputs: Inputs, vocabulary: Vocabulary) -> None:
        self._inputs = inputs
        self._facts = vocabulary.facts
        self._nobody = len(inputs.domains)
        """A place past all domains, for facts that the version does not ask for."""
        self._all = [*(domain.all for domain in inputs.domains), 0]
        self._sets: dict[str, tuple[int, list[int], dict[str, int]]] = {}
        self._options: dict[str, tuple[int, dict[object, int]]] = {}
        self._numbers: dict[str, tuple[int, dict[float, int]]] = {}
        for name, fact in vocabulary.facts.items():
            place = inputs.of_fact.get(name, [self._nobody])[0]
            if fact.kind is Kind.SET:
                self._sets[name] = self._members(fact, place)
            elif fact.kind is Kind.NUMBER:
                self._numbers[name] = (place, {})
            else:
                options = (True, False) if fact.kind is Kind.BOOLEAN else fact.values
                self._options[name] = (place, {each: self._values(fact, each) for each in options})

    def possible(self, facts: Mapping[str, object]) -> list[int] | None:
        """Return the values that each domain may have, and one more; None if something is wrong.

        What is wrong is said by `facts.case.read_facts`.
        """
        possible = self._all.copy()
        options, sets = self._options, self._sets
        try:
            for name, raw in facts.items():
                if raw.__class__ is list:
                    start, absent, places = sets[name]
                    possible[start : start + len(absent)] = absent
                    for member in raw:
                        possible[places[member]] = 0b10
                elif raw.__class__ is bool or raw.__class__ is str:
                    place, values = options[name]
                    possible[place] = values[raw]
                elif raw.__class__ is int or raw.__class__ is float:
                    place, numbers = self._numbers[name]
                    possible[place] = (
                        numbers[raw] if raw in numbers else self._values(self._facts[name], raw)
                    )
                else:
                    self._confine(possible, self._facts[name], raw)
        except (KeyError, TypeError, ValueProblemError):
            return None
        return possible

    def _confine(self, possible: list[int], fact: Fact, raw: object) -> None:
        """Read a fact with care. Raises ValueProblemError."""
        known = read_value(fact, raw)
        if known is not None:
            self._inputs.confine(possible, {fact.name: known})

    def _values(self, fact: Fact, raw: object) -> int:
        """Return the values that a fact may have; those of a number are kept for the next case."""
        possible = self._all.copy()
        self._confine(possible, fact, raw)
        place = self._inputs.of_fact.get(fact.name, [self._nobody])[0]
        _, numbers = self._numbers.get(fact.name, (place, {}))
        if isinstance(raw, int | float) and len(numbers) < MOST_NUMBERS:
            numbers[raw] = possible[place]
        return possible[place]

    def _members(self, fact: Fact, start: int) -> tuple[int, list[int], dict[str, int]]:
        """Return where the members of a set begin, the values of as many, and the place of each."""
        own = self._inputs.of_fact.get(fact.name, [])
        places = dict.fromkeys(fact.values, self._nobody)
        places |= {str(self._inputs.domains[place].unit.member): place for place in own}
        return start, [0b01] * len(own), places
