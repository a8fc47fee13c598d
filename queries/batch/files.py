"""Files of tables: read as a stream of blocks with the numbers of their rows, and written in parts.

A block is the same on every reading of the same file, so a run that was stopped can go on. What of
a row cannot be read at all is said with its number.
"""

import codecs
import csv as texts
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import csv, ipc, parquet

from facts.errors import PolicygroundsError, TableError
from queries.batch.layout import FRAME
from queries.batch.reading import Codes, Texts

ROWS = 32_768
"""Rows of a block."""
CSV_BYTES = 1 << 23
"""What is read of a text file at a time."""
INPUTS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".arrow": "arrow",
    ".feather": "arrow",
}
OUTPUTS = {name: form for name, form in INPUTS.items() if form != "arrow"}
"""The forms that tables are read and written in, by how the name of a file ends."""


class Unreadable(NamedTuple):
    """A row that cannot be read: its number, its id if that can be, and why."""

    row: int
    id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a table with their numbers, counted from 1, and those that cannot be read at all."""

    rows: Any
    numbers: Codes
    unreadable: Sequence[Unreadable] = ()


def form_of(file: Path, forms: dict[str, str]) -> str:
    """Return the form of a file by how its name ends. Raises TableError."""
    form = forms.get(file.suffix.lower())
    if form is None:
        raise TableError([f"{file}: expected a name that ends in {', '.join(forms)}"])
    return form


def check_apart(read: Mapping[str, Path | None], written: Mapping[str, Path | None]) -> None:
    """Raise PolicygroundsError where a file would be written over another of a run.

    Files are named by what they are, as in "this is the table to decide"; None is not there.
    """
    others = [(what, file) for what, file in read.items() if file is not None]
    for what, file in written.items():
        if file is None:
            continue
        for taken, other in others:
            if _are_one(file, other):
                raise PolicygroundsError(f"{file}: this is {taken}; name another file")
        others.append((what, file))


def _are_one(file: Path, other: Path) -> bool:
    """Whether two names are of one file, be it by a link."""
    if file.exists() and other.exists():
        return file.samefile(other)
    return file.resolve() == other.resolve()


class Problem(NamedTuple):
    """What is wrong with a column of a row, or with all of it; whether it is but a number."""

    column: str | None
    reason: str
    is_number: bool = False


class TableFile:
    """A table in a file. Raises TableError for what cannot be read as one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: frozenset[str] = frozenset()
        self.form = form_of(file, INPUTS)
        try:
            self.columns: list[str] = list(getattr(self, f"_{self.form}_columns")())
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            raise TableError([f"{file}: cannot be read as {self.form}: {error}"]) from None

    @property
    def texts(self) -> Texts:
        """What is written in the cells where all are text."""
        return {"csv": Texts.PLAIN, "ndjson": Texts.JSON}.get(self.form, Texts.NONE)

    def rows(self) -> int | None:
        """Return how many rows there are, where the file says so."""
        if self.form != "parquet":
            return None
        return int(parquet.ParquetFile(self._file).metadata.num_rows)

    def blocks(self, columns: Sequence[str], kept: Collection[str] = ()) -> Iterator[Block]:
        """Yield the blocks, in order, of which there is at least one.

        `kept` are the columns that are no facts, and are copied.
        """
        self._kept = frozenset(kept)
        block = None
        try:
            for block in getattr(self, f"_{self.form}_blocks")(columns):
                yield block
        except (OSError, pa.ArrowException) as error:
            raise TableError([f"{self._file}: cannot be read any further: {error}"]) from None
        if block is None:
            yield Block(_nothing(columns), np.arange(0))

    def _parquet_columns(self) -> Sequence[str]:
        return list(parquet.ParquetFile(self._file).schema_arrow.names)

    def _parquet_blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        file = parquet.ParquetFile(self._file)
        yield from _numbered(file.iter_batches(ROWS, columns=list(columns)))

    def _arrow_columns(self) -> Sequence[str]:
        return list(self._arrow_reader().schema.names)

    def _arrow_reader(self) -> Any:
        source = pa.memory_map(str(self._file))
        try:
            return ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            return ipc.open_stream(source)

    def _arrow_blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        reader = self._arrow_reader()
        if hasattr(reader, "num_record_batches"):
            batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
        else:
            batches = iter(reader)
        yield from _numbered(
            batch.select(list(columns)).slice(start, ROWS)
            for batch in batches
            for start in range(0, batch.num_rows, ROWS)
        )

    def _csv_columns(self) -> Sequence[str]:
        names, _ = self._csv_begin()
        if not names:
            raise TableError([f"{self._file}: the file is empty; expected a line of column names"])
        return names

    def _csv_begin(self) -> tuple[list[str], bool]:
        """Return the names of the columns, and whether there is any row.

        Raises TableError for a quote that is never closed: the rows after it would be lost in it.
        """
        with self._file.open("rb") as file:
            quotes = sum(piece.count(b'"') for piece in iter(lambda: file.read(CSV_BYTES), b""))
        if quotes % 2:
            raise TableError(
                [f"{self._file}: a quote is never closed; write one within a text twice"]
            )
        with self._file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            rows = (row for row in texts.reader(lines) if any(row))
            names = next(rows, [])
            if not _is_text(names):
                raise TableError(
                    [f"{self._file}: cannot be read as csv: a column's name is not UTF-8"]
                )
            try:
                return names, next(rows, None) is not None
            except texts.Error:  # a cell is very long
                return names, True

    def _csv_blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        wrong: list[Unreadable] = []

        def skip(row: Any) -> str:
            said = f"expected {row.expected_columns} columns, found {row.actual_columns}"
            wrong.append(Unreadable(row.number - 1, None, said))
            return "skip"

        if not self._csv_begin()[1]:
            return
        reader = csv.open_csv(
            self._file,
            read_options=csv.ReadOptions(use_threads=False, block_size=CSV_BYTES),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(self.columns, pa.binary()),
                include_columns=list(columns),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        done = 0
        for batch in reader:
            skipped = [each.row for each in wrong if each.row > done]
            ahead = np.arange(done + 1, done + 1 + batch.num_rows + len(skipped))
            numbers = np.setdiff1d(ahead, skipped)[: batch.num_rows]
            for start in range(0, batch.num_rows, ROWS):
                own = numbers[start : start + ROWS]
                within = [each for each in wrong if done < each.row < own[-1]]
                yield Block(batch.slice(start, ROWS), own, within)
                done = int(own[-1])
        rest = [each for each in wrong if each.row > done]
        if rest:
            yield Block(_nothing(columns), np.arange(0), rest)

    def _ndjson_columns(self) -> Sequence[str]:
        names: dict[str, None] = {}
        for _, row, _ in self._ndjson_rows():
            names.update(dict.fromkeys(row))
        return [name for name in names if _is_text(name)]

    def _ndjson_rows(self) -> Iterator[tuple[int, dict[str, object], Sequence[Problem]]]:
        """Yield the objects of the lines, with what is wrong with them."""
        number = 0
        with self._file.open("rb") as lines:
            for line in lines:
                if line.strip():
                    number += 1
                    yield number, *_row(line.removeprefix(codecs.BOM_UTF8))

    def _ndjson_blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        rows: list[dict[str, object]] = []
        numbers: list[int] = []
        wrong: list[Unreadable] = []
        asked, spoken = {*columns}, {*FRAME, *self._kept}

        def block() -> Block:
            cells = [
                pa.array([_cell(row.get(name), as_json=name not in spoken) for row in rows])
                for name in columns
            ]
            texts = [cell.cast(pa.string()) for cell in cells]
            batch = pa.RecordBatch.from_arrays(texts, names=list(columns))
            return Block(batch, np.array(numbers, np.int64), tuple(wrong))

        def matters(problem: Problem) -> bool:
            if problem.column is None:
                return True
            return problem.column in asked and not (
                problem.is_number and problem.column in self._kept
            )

        for number, row, problems in self._ndjson_rows():
            reasons = dict.fromkeys(each.reason for each in problems if matters(each))
            if reasons:
                is_named = "id" in asked and all(each.column != "id" for each in problems)
                name = _cell(row.get("id"), as_json=False) if is_named else None
                wrong.append(Unreadable(number, name, "; ".join(reasons)))
            else:
                rows.append(row)
                numbers.append(number)
            if len(rows) + len(wrong) == ROWS:
                yield block()
                rows, numbers, wrong = [], [], []
        if rows or wrong:
            yield block()


def _numbered(batches: Iterator[Any]) -> Iterator[Block]:
    done = 0
    for batch in batches:
        yield Block(batch, np.arange(done + 1, done + 1 + batch.num_rows))
        done += batch.num_rows


def _nothing(columns: Sequence[str]) -> Any:
    return pa.RecordBatch.from_pylist(
        [], schema=pa.schema([(name, pa.binary()) for name in columns])
    )


@dataclass(frozen=True, slots=True)
class _Unread:
    """A number that cannot be read as it is written, why, and what is copied where it is kept."""

    reason: str
    nearest: float | None = None


class _Object(dict[str, object]):
    """An object, with the names that it gives twice."""

    twice: Sequence[str] = ()


def _row(line: bytes) -> tuple[dict[str, object], list[Problem]]:
    """Read a line as an object of facts, or as a case whose facts are an object of its own.

    With it comes what is wrong with it.
    """
    doubts: list[object] = []

    def refuse(name: str) -> _Unread:
        unread = _Unread(f"{name} is no number that can be read")
        doubts.append(unread)
        return unread

    def exact(text: str) -> float | _Unread:
        number = float(text)
        try:
            is_exact = Decimal(text) == Decimal(repr(number))
        except InvalidOperation:
            is_exact = False
        if is_exact:
            return number
        nearest = number if isfinite(number) else None
        unread = _Unread("a number has more digits than can be read", nearest)
        doubts.append(unread)
        return unread

    def made(pairs: list[tuple[str, object]]) -> _Object:
        found = _Object(pairs)
        if len(found) < len(pairs):
            times = Counter(key for key, _ in pairs)
            found.twice = [key for key in times if times[key] > 1]
            doubts.append(found)
        return found

    try:
        row = json.loads(
            line.decode(), parse_float=exact, parse_constant=refuse, object_pairs_hook=made
        )
    except (ValueError, RecursionError) as error:
        return {}, [Problem(None, f"not JSON: {error}")]
    if not isinstance(row, _Object):
        return {}, [Problem(None, "expected an object of facts")]
    facts = row.get("facts", _Object())
    frame = {name: value for name, value in row.items() if name != "facts"}
    problems: list[Problem] = []
    if not isinstance(facts, _Object):
        problems.append(Problem(None, "facts: expected an object of facts"))
        frame = {name: value for name, value in frame.items() if name == "id"}
        facts = _Object()
    twice = [*row.twice, *facts.twice, *(name for name in facts if name in frame)]
    problems += (
        Problem(name if name != "facts" else None, f"{name!r} is given twice") for name in twice
    )
    whole = {**frame, **facts}
    if doubts:
        problems += (each for name, value in whole.items() for each in _problems(name, value))
    if b"\\u" in line and not _is_text(whole):
        problems += (
            Problem(name if _is_text(name) else None, "the text is not UTF-8")
            for name, value in whole.items()
            if not _is_text({name: value})
        )
    return whole, problems


def _problems(column: str, value: object) -> Iterator[Problem]:
    """Say what is wrong within a value of a column."""
    values = [value]
    while values:
        value = values.pop()
        if isinstance(value, _Unread):
            yield Problem(column, value.reason, is_number=True)
        elif isinstance(value, _Object):
            yield from (Problem(column, f"{name!r} is given twice") for name in value.twice)
            values += value.values()
        elif isinstance(value, list):
            values += value


def _is_text(row: object) -> bool:
    """Whether no text in a row holds half a character."""
    try:
        json.dumps(row, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _cell(value: object, *, as_json: bool) -> str | None:
    """Return a value as text: as JSON, or a text as it is.

    A number with more digits than can be read is the nearest that can, and one that JSON does not
    have is null: such rows are decided only where the number is in a column that is no fact.
    """
    if isinstance(value, _Unread):
        value = value.nearest
    if value is None or (isinstance(value, str) and not as_json):
        return value
    return json.dumps(value, default=_nearest)


def _nearest(value: object) -> float | None:
    if not isinstance(value, _Unread):
        raise TypeError(type(value))
    return value.nearest
