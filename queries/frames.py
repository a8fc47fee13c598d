"""Answers as Arrow tables and data frames, with typed and exact columns, and as Parquet files.

A column of numbers holds 64-bit integers if all are whole and fit, and exact decimals otherwise; dates
are days, and lists are lists. What it takes is installed with the extra `tables`.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from importlib import import_module
from io import BytesIO
from typing import Any

from engine.datalog import Cell, ResultColumn
from engine.relation import ColumnType
from facts.errors import MissingExtraError, PolicygroundsError

_LEAST, _LARGEST = -(1 << 63), (1 << 63) - 1
"""The integers of 64 bits."""
_DIGITS = 38
"""Digits of a 128-bit decimal."""
_MOST_DIGITS = 76
"""Digits of a 256-bit decimal."""


def arrow_table(columns: Sequence[ResultColumn], rows: Sequence[tuple[Cell, ...]]) -> Any:
    """Return rows as a `pyarrow.Table`.

    Raises MissingExtraError, and PolicygroundsError for numbers of more digits than Arrow has.
    """
    pyarrow = _installed("pyarrow")
    arrays = [
        _array(pyarrow, column, [row[position] for row in rows])
        for position, column in enumerate(columns)
    ]
    return pyarrow.Table.from_arrays(arrays, names=[column.name for column in columns])


def pandas_frame(table: Any) -> Any:
    """Return an Arrow table as a `pandas.DataFrame` that keeps its types. Raises MissingExtraError."""
    return table.to_pandas(types_mapper=_installed("pandas").ArrowDtype)


def polars_frame(table: Any) -> Any:
    """Return an Arrow table as a `polars.DataFrame`. Raises MissingExtraError."""
    return _installed("polars").from_arrow(table)


def parquet(table: Any) -> bytes:
    """Return the content of a Parquet file of an Arrow table."""
    content = BytesIO()
    _installed("pyarrow.parquet").write_table(table, content)
    return content.getvalue()


def _installed(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(module.partition(".")[0], "tables") from None


def _array(pyarrow: Any, column: ResultColumn, cells: Sequence[Cell]) -> Any:
    """Make an Arrow array of the cells of a column."""
    if not column.many:
        values = [_read(column, cell) for cell in cells]
        return pyarrow.array(values, _arrow_type(pyarrow, column, values))
    lists = [[_read(column, value) for value in cell] for cell in cells if isinstance(cell, tuple)]
    values = [value for each in lists for value in each]
    return pyarrow.array(lists, pyarrow.list_(_arrow_type(pyarrow, column, values)))


def _read(column: ResultColumn, value: Cell) -> Any:
    match column.type:
        case ColumnType.DATE:
            return date.fromisoformat(str(value))
        case ColumnType.NUMBER:
            return Decimal(str(value))
    return value


def _arrow_type(pyarrow: Any, column: ResultColumn, values: Sequence[Any]) -> Any:
    match column.type:
        case ColumnType.TEXT:
            return pyarrow.string()
        case ColumnType.DATE:
            return pyarrow.date32()
    if all(value == int(value) and _LEAST <= value <= _LARGEST for value in values):
        return pyarrow.int64()
    decimals = max(0, *(-_lowest_place(value) for value in values))
    digits = decimals + max(1, *(value.adjusted() + 1 for value in values))
    if digits > _MOST_DIGITS:
        raise PolicygroundsError(
            f"column {column.name!r} has numbers of {digits} digits, and Arrow holds "
            f"{_MOST_DIGITS}; ask for JSON or CSV"
        )
    if digits > _DIGITS:
        return pyarrow.decimal256(digits, decimals)
    return pyarrow.decimal128(_DIGITS, decimals)


def _lowest_place(value: Decimal) -> int:
    """Return the power of ten of the last digit of a number."""
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
