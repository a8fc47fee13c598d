"""From given atoms to rows: what an encoding derives, clingo's symbols read back by column type."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import TypeAlias, Union

import clingo

from engine.relation import Column, ColumnType, Row, Value
from engine.relations.definitions import Topic

Argument: TypeAlias = Union[Value, "Given"]
Given: TypeAlias = tuple[Argument, ...]
"""An atom to derive from: its predicate and arguments; an argument may be an atom itself."""


def derived(topic: Topic, given: Iterable[Given]) -> Mapping[str, frozenset[Row]]:
    """Return the rows of a topic's relations that follow from some atoms.

    The atoms enter as symbols, never as text.
    """
    control = clingo.Control()
    with control.backend() as backend:
        for atom in given:
            backend.add_rule([backend.add_atom(_symbol(atom))])
    control.add("base", [], topic.encoding)
    control.ground([("base", [])])
    return {
        relation.name: frozenset(
            _rows(
                control.symbolic_atoms.by_signature(relation.name, len(relation.columns)),
                relation.columns,
            )
        )
        for relation in topic.relations
    }


def _symbol(argument: Argument) -> clingo.Symbol:
    if isinstance(argument, int):
        return clingo.Number(argument)
    if isinstance(argument, str):
        return _string(argument)
    if isinstance(argument, Decimal):
        return _string(f"{argument:f}")
    name, *arguments = argument
    return clingo.Function(str(name), [_symbol(each) for each in arguments])


@cache
def _string(text: str) -> clingo.Symbol:
    return clingo.String(text)


def _rows(atoms: Iterable[clingo.SymbolicAtom], columns: Sequence[Column]) -> Iterator[Row]:
    for atom in atoms:
        yield tuple(
            _value(symbol, column)
            for symbol, column in zip(atom.symbol.arguments, columns, strict=True)
        )


def _value(symbol: clingo.Symbol, column: Column) -> Value:
    if symbol.type is clingo.SymbolType.Number:
        return symbol.number
    return number(symbol.string) if column.type is ColumnType.NUMBER else symbol.string


def number(text: str) -> int | Decimal:
    """Return the number a text gives, as an integer where it is one."""
    exact = Decimal(text)
    whole = int(exact)
    return whole if whole == exact else exact.normalize()
