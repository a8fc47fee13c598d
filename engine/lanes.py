"""Circuits as generated Python over lanes: many complete cases at once, each a bit of integers."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from engine.circuit import TRUE, Circuit, Gate, Literal, Source, generated, threshold
from engine.inputs import places

Columns: TypeAlias = Sequence[Sequence[int]]
"""For each domain and each of its values, the lanes of the cases that may have it."""


def complete(columns: Columns, ones: int) -> int:
    """Return the lanes of the cases of which nothing is unknown: with one value in each domain."""
    unknown = 0
    for first, *others in columns:
        some = first
        for lanes in others:
            unknown |= some & lanes
            some |= lanes
    return ones ^ unknown


def written(circuit: Circuit, literals: Sequence[Literal]) -> Callable[[Columns, int], list[int]]:
    """Write literals as Python: from columns of complete cases, and a one for each, to their lanes.

    Each gate is computed as it is or negated, whichever asks for fewer of its parts to be negated;
    inputs have both at hand. What is not needed any more is let go, so that memory stays near.
    """
    return _Writer(circuit, literals).compiled()


class _Writer:
    def __init__(self, circuit: Circuit, literals: Sequence[Literal]) -> None:
        self._circuit = circuit
        self._literals = literals
        self._lines: list[tuple[str, str, list[str]]] = []
        """What is computed: its name, by what, and from which names."""
        self._names: dict[Literal, str] = {TRUE: "ones", -TRUE: "0"}

    def compiled(self) -> Callable[[Columns, int], list[int]]:
        for number in self._circuit.cone(self._literals):
            node = self._circuit.nodes[number]
            if isinstance(node, Gate) and number != TRUE:
                self._gate(number, node)
        result = [self._name(literal) for literal in self._literals]
        lines = self._until_needed_last(result)
        return generated("columns, ones", [*lines, f"return [{', '.join(result)}]"])

    def _gate(self, number: int, gate: Gate) -> None:
        negated = [-literal for literal in gate.literals]
        if self._missing(negated) < self._missing(gate.literals):
            self._add(-number, len(negated) - gate.bound + 1, negated)
        else:
            self._add(number, gate.bound, gate.literals)

    def _missing(self, literals: Sequence[Literal]) -> int:
        """Count the literals that would have to be negated first."""
        return sum(
            literal not in self._names
            for literal in literals
            if isinstance(self._circuit.nodes[abs(literal)], Gate)
        )

    def _add(self, literal: Literal, bound: int, parts: Sequence[Literal]) -> None:
        operands = [self._name(part) for part in parts]
        self._named(literal, threshold(bound, operands), operands)

    def _named(self, literal: Literal, expression: str, operands: Sequence[str]) -> str:
        name = self._names[literal] = f"{'n' if literal > 0 else 'm'}{abs(literal)}"
        self._lines.append((name, expression, list(operands)))
        return name

    def _name(self, literal: Literal) -> str:
        """Return the name of a literal, computed if it is not yet."""
        name = self._names.get(literal)
        if name is not None:
            return name
        node = self._circuit.nodes[abs(literal)]
        if not isinstance(node, Source):
            other = self._names[-literal]
            return self._named(literal, f"ones ^ {other}", [other])
        values = node.values
        if literal < 0:
            values ^= self._circuit.all_values[node.domain]
        held = [f"columns[{node.domain}][{value}]" for value in places(values)]
        return self._named(literal, " | ".join(held), [])

    def _until_needed_last(self, result: Sequence[str]) -> list[str]:
        """Return the lines, each with the names that are let go after it."""
        last: dict[str, int] = {}
        for at, (name, _, operands) in enumerate(self._lines):
            last |= dict.fromkeys([name, *operands], at)
        ended: dict[int, list[str]] = {}
        for name, at in last.items():
            if name not in result and name not in ("ones", "0"):
                ended.setdefault(at, []).append(name)
        return [
            f"{name} = {expression}" + (f"; del {', '.join(ended[at])}" if at in ended else "")
            for at, (name, expression, _) in enumerate(self._lines)
        ]
