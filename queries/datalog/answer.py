"""Answers: the rows of a query, with the names and types of their columns, in one order."""

from collections import namedtuple
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from engine.datalog import Cell, Query, ResultColumn
from engine.relation import ColumnType
from queries.datalog.aggregation import shortest
from queries.frames import arrow_table, pandas_frame, polars_frame


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query; without columns, one row says yes and none says no."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        """Give the rows as named tuples, by the names of the columns."""
        make: Any = namedtuple  # noqa: PYI024  (the names are the query's)
        return map(make("Row", self.names, rename=True)._make, self.rows)

    def tabular(self) -> "Answer":
        """Return an answer with columns: without any, it says yes or no in one of its own."""
        if self.columns:
            return self
        column = ResultColumn("answer", ColumnType.TEXT, None)
        return Answer((column,), (("yes" if self.rows else "no",),))

    def to_arrow(self) -> Any:
        """Return a `pyarrow.Table` with typed, exact columns.

        Raises MissingExtraError, and PolicygroundsError for numbers of more digits than Arrow has.
        """
        table = self.tabular()
        return arrow_table(table.columns, table.rows)

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame` whose columns keep Arrow's types. Raises as `to_arrow`."""
        return pandas_frame(self.to_arrow())

    def to_polars(self) -> Any:
        """Return a `polars.DataFrame`. Raises as `to_arrow`."""
        return polars_frame(self.to_arrow())


def arranged(query: Query, rows: Iterable[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Sort the rows of a query as it asks, ties by all columns from the left, and cut them."""
    listed: list[Any] = sorted(tuple(map(_shown, row)) for row in rows)  # a column is of one type
    for key in reversed(query.order):
        listed.sort(key=itemgetter(key.column), reverse=key.descending)
    return listed[: query.limit]


def _shown(cell: Any) -> Any:
    """Write equal numbers alike."""
    if isinstance(cell, Decimal):
        return shortest(cell)
    return tuple(map(_shown, cell)) if isinstance(cell, tuple) else cell
