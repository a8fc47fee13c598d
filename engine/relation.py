"""Relations: tables of rows that a query joins, and what a query may know of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int | Decimal
Row: TypeAlias = tuple[Value, ...]


class ColumnType(StrEnum):
    """What the values of a column are: text, ISO dates, or whole and decimal numbers."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation.

    Columns of one `domain`, such as drug or section, hold values of one sort: a variable joins them,
    and a constant in them has to be a value of the domain. None means free values.
    """

    name: str
    type: ColumnType = ColumnType.TEXT
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation: what a row of it says, in a sentence that names the columns, and its columns."""

    name: str
    columns: tuple[Column, ...]
    meaning: str
    topic: str


class Database(Protocol):
    """Relations by name, whose rows are made when they are first asked for.

    A value that a thing does not have is a row that is left out: there are no nulls.
    """

    @property
    def relations(self) -> Mapping[str, Relation]:
        """All relations, by name."""
        ...

    def rows(self, name: str) -> frozenset[Row]:
        """Return the rows of a relation."""
        ...

    def values(self, domain: str) -> frozenset[Value]:
        """Return the values of a domain."""
        ...
