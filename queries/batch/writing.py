"""Answers written as Parquet, CSV or NDJSON: part by part, and then put together."""

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import compute, csv, feather, parquet

TEXTS = pa.list_(pa.string())


class Writer(ABC):
    """One form of output."""

    @abstractmethod
    def write_part(self, table: Any, file: Path) -> None:
        """Write the answers of one block."""

    @abstractmethod
    def join(self, parts: Sequence[Path], file: Path) -> None:
        """Put parts together to the whole."""


class ParquetWriter(Writer):
    """Parts are Arrow files; the whole has a group of rows for each."""

    def write_part(self, table: Any, file: Path) -> None:
        """Write the answers of one block."""
        feather.write_feather(table, file, compression="lz4")

    def join(self, parts: Sequence[Path], file: Path) -> None:
        """Put parts together to the whole."""
        first = feather.read_table(parts[0], memory_map=True)
        with parquet.ParquetWriter(file, first.schema) as writer:
            for part in parts:
                writer.write_table(feather.read_table(part, memory_map=True))


class TextWriter(Writer):
    """Parts are pieces of the text."""

    def join(self, parts: Sequence[Path], file: Path) -> None:
        """Put parts together to the whole."""
        with file.open("wb") as whole:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, whole)


class CsvWriter(TextWriter):
    """Lists are written with semicolons; the first part has the names of the columns."""

    def write_part(self, table: Any, file: Path) -> None:
        """Write the answers of one block."""
        file.write_bytes(csv_text(table, header=file.name.startswith("00000000.")))


class NdjsonWriter(TextWriter):
    """A row is an object on a line of its own."""

    def write_part(self, table: Any, file: Path) -> None:
        """Write the answers of one block."""
        with file.open("w", encoding="utf-8") as lines:
            for row in table.to_pylist():
                lines.write(_line(row))
                lines.write("\n")


WRITERS: dict[str, Writer] = {
    "parquet": ParquetWriter(),
    "csv": CsvWriter(),
    "ndjson": NdjsonWriter(),
}
"""The forms of output, by name."""


def csv_text(table: Any, *, header: bool) -> bytes:
    """Return a table as CSV."""
    columns = [_flat(column) for column in table.columns]
    text = BytesIO()
    csv.write_csv(
        pa.table(columns, names=table.column_names),
        text,
        csv.WriteOptions(include_header=header, quoting_style="needed"),
    )
    return text.getvalue()


def _line(row: object) -> str:
    try:
        return json.dumps(row, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(row), default=str)


def _flat(column: Any) -> Any:
    """Write lists as texts with semicolons, and what is bytes as the text it is."""
    kind = column.type
    if kind == TEXTS and not column.combine_chunks().flatten().null_count:
        return compute.binary_join(column, ";")
    if pa.types.is_binary(kind):
        return column.cast(pa.string())
    if pa.types.is_dictionary(kind):
        return _flat(column.cast(kind.value_type))
    if pa.types.is_nested(kind):
        return pa.array([_told(value) for value in column.to_pylist()], pa.string())
    return column


def _told(value: object) -> str | None:
    """Return what is nested as text: a list of texts and numbers by semicolons, all else as JSON."""
    if value is None:
        return None
    if isinstance(value, list) and not any(
        each is None or isinstance(each, dict | list) for each in value
    ):
        return ";".join(map(str, value))
    return json.dumps(value, default=str)


def _finite(value: object) -> object:
    """Return a value without numbers that JSON does not have."""
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value
