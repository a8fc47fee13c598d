"""Rows of a relation, as tests ask for them, derived once."""

from collections.abc import Mapping

from engine.relation import Database, Row
from engine.relations.database import Relations

Derived = dict[str, dict[str, Mapping[str, frozenset[Row]]]]
"""The relations of one knowledge base that were derived, by its day and readings, and by topic."""


def rows_of(database: Database, name: str, *begin: object) -> set[Row]:
    """Return the rows that begin with some values, without these."""
    return {row[len(begin) :] for row in database.rows(name) if row[: len(begin)] == begin}


def share(relations: Relations, derived: Derived) -> Relations:
    """Let relations have what others of the same day and readings derived, and give them theirs."""
    asked = relations._asked
    relations._derived = derived.setdefault(repr((asked.day, asked.readings)), relations._derived)
    return relations
