"""Definitions of the relations: their columns and meaning, as the encodings state them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import clingo

from engine.relation import Column, ColumnType, Relation

_ENCODINGS = Path(__file__).parents[1] / "encodings" / "relations"
TOPICS = (
    *("documents", "requirements", "routes", "grounds", "changes", "findings", "reading_effects"),
    *("evidence", "vocabulary", "cases"),
)
"""The encodings, a topic each, in the order in which they are read."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where the values of a domain are: columns of relations, by name and place; and words."""

    columns: tuple[tuple[str, int], ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Topic:
    """An encoding with the relations it derives."""

    name: str
    title: str
    encoding: str
    relations: tuple[Relation, ...]


@cache
def topics() -> Mapping[str, Topic]:
    """Return all topics, by name."""
    columns = {
        name.name: Column(name.name, ColumnType(sort.name), _domain_name(domain))
        for name, sort, domain in _stated(_read("columns"), "column", 3)
    }
    return {name: _topic(name, columns) for name in TOPICS}


@cache
def relations() -> Mapping[str, Relation]:
    """Return all relations, by name."""
    return {relation.name: relation for topic in topics().values() for relation in topic.relations}


@cache
def domains() -> Mapping[str, Domain]:
    """Return where the values of each domain are."""
    text = _read("columns")
    columns: dict[str, list[tuple[str, int]]] = {}
    for domain, relation, column in _stated(text, "domain", 3):
        names = [each.name for each in relations()[relation.name].columns]
        place = (relation.name, names.index(column.name))
        columns.setdefault(domain.name, []).append(place)
    words: dict[str, set[str]] = {}
    for domain, word in _stated(text, "word", 2):
        words.setdefault(domain.name, set()).add(word.string)
    return {
        name: Domain(tuple(columns.get(name, ())), frozenset(words.get(name, ())))
        for name in sorted({*columns, *words})
    }


def _topic(name: str, columns: Mapping[str, Column]) -> Topic:
    text = _read(name)
    ((title,),) = _stated(text, "topic", 1)
    stated = _stated(text, "relation", 2)
    return Topic(
        name,
        title.string,
        text,
        tuple(
            Relation(
                form.name,
                tuple(columns[column.name] for column in form.arguments),
                meaning.string,
                title.string,
            )
            for form, meaning in stated
        ),
    )


def _read(name: str) -> str:
    return (_ENCODINGS / f"{name}.lp").read_text("ascii")


def _stated(text: str, predicate: str, arity: int) -> list[list[clingo.Symbol]]:
    """Return the arguments of the facts of a predicate, in the order of the text."""
    control = clingo.Control()
    control.add("base", [], text)
    control.ground([("base", [])])
    found = control.symbolic_atoms.by_signature(predicate, arity)
    return [atom.symbol.arguments for atom in found]


def _domain_name(domain: clingo.Symbol) -> str | None:
    return None if domain.name == "free" else domain.name
