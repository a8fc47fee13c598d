"""Rows of a relation, as tests ask for them."""

from engine.relation import Database, Row


def rows_of(database: Database, name: str, *begin: object) -> set[Row]:
    """Return the rows that begin with some values, without these."""
    return {row[len(begin) :] for row in database.rows(name) if row[: len(begin)] == begin}
