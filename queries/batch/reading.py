"""Columns of a table read as what is known of facts, each distinct value once.

Values are read as the readers of cases read them (`facts.values`), so what is refused there is
refused here. A null is unknown.
"""

import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from pyarrow import compute

from facts.values import Known, Members, ValueProblemError, read_value
from facts.vocabulary import Fact, Kind
from queries.batch.layout import Heading


class Texts(Enum):
    """What is written in the cells of a format that has only text."""

    NONE = "none"
    PLAIN = "plain"
    JSON = "json"


Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_VALUES = 1_000_000
"""Distinct values of a column that are kept; beyond that they are read anew for each block."""
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
"""A number in text."""
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
"""Words for booleans in text, in lower case."""


@dataclass(slots=True)
class Values:
    """The values of a column by code: what each says of the fact, or what is wrong with it."""

    known: list[Known | None] = field(default_factory=lambda: [None])
    problems: dict[int, str] = field(default_factory=dict)
    codes: dict[object, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Read:
    """A column of one block: for each row the code of its value; 0 is unknown."""

    codes: Codes
    known: Sequence[Known | None]
    problems: Mapping[int, str]

    def wrong(self) -> Iterator[tuple[int, str]]:
        """Yield the rows whose value cannot be read, with the reason."""
        if self.problems:
            bad = np.isin(self.codes, list(self.problems))
            for row in np.flatnonzero(bad):
                yield int(row), self.problems[int(self.codes[row])]

    def rows(self, rows: Codes) -> "Read":
        """Return some rows of it."""
        return Read(self.codes[rows], self.known, self.problems)


@dataclass(frozen=True, slots=True)
class ReadMembers:
    """A column of complete sets: the rows it is known in, and for each member where it is in."""

    known: Flags
    members: Mapping[str, Flags]
    problems: Mapping[int, str]

    def wrong(self) -> Iterator[tuple[int, str]]:
        """Yield the rows whose value cannot be read, with the reason."""
        yield from self.problems.items()

    def rows(self, rows: Codes) -> "ReadMembers":
        """Return some rows of it."""
        members = {name: flags[rows] for name, flags in self.members.items()}
        return ReadMembers(self.known[rows], members, {})


@dataclass(frozen=True, slots=True)
class ReadTruths:
    """A column of booleans: the rows that are true, and those that are unknown, as bits."""

    size: int
    true: int
    unknown: int

    def wrong(self) -> Iterator[tuple[int, str]]:
        """Yield nothing: every value can be read."""
        return iter(())

    def rows(self, rows: Codes) -> "ReadTruths":
        """Return some rows of it."""
        true, unknown = (_of_rows(bits, self.size, rows) for bits in (self.true, self.unknown))
        return ReadTruths(len(rows), true, unknown)


@dataclass(frozen=True, slots=True)
class ReadNumbers:
    """A column of numbers within their range, in steps of the last decimal, and where it is null.

    The latter as bits.
    """

    steps: NDArray[np.integer]
    unknown: int

    def wrong(self) -> Iterator[tuple[int, str]]:
        """Yield nothing: every value can be read."""
        return iter(())

    def rows(self, rows: Codes) -> "ReadNumbers":
        """Return some rows of it."""
        return ReadNumbers(self.steps[rows], _of_rows(self.unknown, len(self.steps), rows))


AnyRead: TypeAlias = Read | ReadMembers | ReadTruths | ReadNumbers
"""A column of some rows, in the form that its values have."""


class ColumnReader:
    """Reads a column block by block. `texts` says what is in its cells if all are text."""

    def __init__(self, heading: Heading, texts: Texts) -> None:
        self.heading = heading
        self._texts = texts
        self._values = Values()

    def read(self, column: Any) -> AnyRead:
        """Read a `pyarrow` array."""
        if pa.types.is_dictionary(column.type):
            codes, indices = np.append(self._coded(column.dictionary), 0), column.indices
            if indices.null_count:
                indices = indices.cast(pa.int64()).fill_null(len(codes) - 1)
            return self._found(codes[indices.to_numpy(zero_copy_only=False)])
        kind, fact = column.type, self.heading.fact
        if pa.types.is_boolean(kind) and (
            self.heading.member is not None or fact.kind is Kind.BOOLEAN
        ):
            return _truths(column)
        if fact.kind is Kind.NUMBER and (
            pa.types.is_signed_integer(kind) or pa.types.is_float64(kind)
        ):
            read = _numbers(fact, column)
            if read is not None:
                return read
        if _is_list(kind) and self.heading.member is None and self.heading.fact.kind is Kind.SET:
            return self._members(column)
        encoded = encoded_once(column)
        return self._found(self._coded(column)) if encoded is None else self.read(encoded)

    def _found(self, codes: Codes) -> Read:
        return Read(codes, self._values.known, self._values.problems)

    def _coded(self, column: Any) -> Codes:
        """Give each value its code; nulls are 0."""
        values, kept = self._values, self._values.codes
        if len(kept) > MOST_VALUES:
            values = self._values = Values()
            kept = values.codes
        codes = []
        for raw in values_of(column):
            key = (
                (raw.__class__, raw) if isinstance(raw, Hashable) else json.dumps(raw, default=str)
            )
            code = 0 if raw is None else kept.get(key)
            if code is None:
                code = kept[key] = len(values.known)
                values.known.append(None)
                try:
                    values.known[code] = self._read(raw)
                except ValueProblemError as problem:
                    values.problems[code] = "; ".join(map(str, problem.args))
            codes.append(code)
        return np.array(codes, np.int64)

    def _read(self, raw: object) -> Known | None:
        """Read one value. Raises ValueProblemError."""
        fact, member = self.heading.fact, self.heading.member
        if isinstance(raw, Unreadable):
            raise ValueProblemError(f"column {self.heading.column!r}: {raw}")
        if isinstance(raw, str) and self._texts is Texts.JSON:
            raw = json.loads(raw, parse_float=Decimal)
        elif isinstance(raw, str) and self._texts is Texts.PLAIN:
            raw = _spoken(fact, raw, boolean=fact.kind is Kind.BOOLEAN or member is not None)
        if member is None:
            return read_value(fact, raw)
        if raw is None:
            return None
        if not isinstance(raw, bool):
            raise ValueProblemError(
                f"column {self.heading.column!r}: expected true or false, or nothing if unknown"
            )
        names = frozenset([member])
        return Members(names, frozenset()) if raw else Members(frozenset(), names)

    def _members(self, column: Any) -> ReadMembers | Read:
        """Read lists of members: what is not listed is not in the set."""
        fact, size = self.heading.fact, len(column)
        known = np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
        present = column.drop_null()
        listed = present.flatten()
        rows = np.flatnonzero(known)[compute.list_parent_indices(present).to_numpy()]
        encoded = listed if pa.types.is_dictionary(listed.type) else encoded_once(listed)
        if encoded is None:
            return self._found(self._coded(column))
        names = values_of(encoded.dictionary)
        indices = encoded.indices.cast(pa.int64()).fill_null(len(names))
        places = indices.to_numpy(zero_copy_only=False)
        members = {name: np.zeros(size, np.bool_) for name in fact.values}
        wrong = set[int]()
        for place, name in enumerate([*names, None]):
            at = rows[places == place]
            if isinstance(name, str) and name in members:
                members[name][at] = True
            else:
                wrong |= {*map(int, at)}
        problems: dict[int, str] = {}
        for row in sorted(wrong):
            try:
                read_value(fact, values_of(column.slice(row, 1).flatten()))
            except ValueProblemError as problem:
                problems[row] = "; ".join(map(str, problem.args))
        return ReadMembers(known, members, problems)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value of a column that cannot be had, and why."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def values_of(column: Any) -> list[object]:
    """Return the values of an array, bytes as the text they are; what cannot be had says why."""
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):
        values = [_value_of(scalar) for scalar in column]
    return [_decoded(value) if isinstance(value, bytes) else value for value in values]


def _value_of(scalar: Any) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return Unreadable("no UTF-8 text")
    except (ValueError, OverflowError, pa.ArrowException):
        return Unreadable("a value that cannot be read")


def _decoded(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return Unreadable("no UTF-8 text")


def encoded_once(column: Any) -> Any:
    """Return a column with each of its values once, and where; None if Arrow cannot tell them apart."""
    try:
        return column.dictionary_encode(null_encoding="encode")
    except pa.ArrowNotImplementedError:
        return None


def plain(column: Any) -> Any:
    """Return a column in a form that all that is done to it can take: without views, runs or extensions."""
    if column.type == pa.bool8():
        column = column.cast(pa.bool_())
    elif isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_run_end_encoded(column.type):
        column = compute.run_end_decode(column)
    kind = _plain_type(column.type)
    return column if kind == column.type else column.cast(kind)


def _plain_type(kind: Any) -> Any:
    types = pa.types
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_large_list(kind) or types.is_list(kind):
        inner = _plain_type(kind.value_type)
        return kind if inner == kind.value_type else pa.large_list(inner)
    return kind


def _truths(column: Any) -> ReadTruths:
    """Read booleans, which Arrow keeps as bits."""
    if not column.null_count:
        return ReadTruths(len(column), _bits(column), 0)
    values = compute.fill_null(column, fill_value=False)
    return ReadTruths(len(column), _bits(values), _bits(column.is_null()))


def _bits(column: Any) -> int:
    """Return an array of booleans without nulls as the bits of an integer."""
    start: int = column.offset
    size = len(column)
    first, end = start // 8, -(-(start + size) // 8)
    bits = int.from_bytes(memoryview(column.buffers()[1])[first:end], "little")
    if start % 8:
        bits >>= start % 8
    return bits & ((1 << size) - 1) if (end - first) * 8 > size else bits


def _numbers(fact: Fact, column: Any) -> ReadNumbers | None:
    """Read numbers at once; None if one of them is out of its range, or has too many decimals."""
    unknown, whole, unit = 0, pa.types.is_integer(column.type), 10**fact.decimals
    if whole:
        column = column.cast(pa.int64())
    if column.null_count:
        unknown = _bits(column.is_null())
        column = column.fill_null(-(-fact.lowest // unit) if whole else fact.lowest / unit)
    values = column.to_numpy(zero_copy_only=False)
    if len(values) and not (
        values.min() >= fact.lowest / unit and values.max() <= fact.highest / unit
    ):
        return None
    if whole and unit == 1:
        return ReadNumbers(values, unknown)
    steps = np.rint(values * unit).astype(np.int64)
    if not np.array_equal(steps / unit, values):
        return None
    return ReadNumbers(steps, unknown)


def lanes(held: NDArray[Any]) -> int:
    """Return flags as the bits of an integer, the first as the lowest."""
    return int.from_bytes(np.packbits(held, bitorder="little").data, "little")


def flags(held: int, size: int) -> Flags:
    """Return the bits of an integer as flags."""
    packed = np.frombuffer(held.to_bytes(-(-size // 8), "little"), np.uint8)
    return np.unpackbits(packed, count=size, bitorder="little").view(np.bool_)


def _of_rows(held: int, size: int, rows: Codes) -> int:
    """Return the bits of some rows of so many."""
    return lanes(flags(held, size)[rows]) if held else 0


def _is_list(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON, in which no key may be given twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueProblemError(f"{twice!r} is given twice")
    return made


def _spoken(fact: Fact, text: str, *, boolean: bool) -> object:
    """Return the value that a text stands for in a format of texts alone; None for an empty one."""
    text = text.strip()
    if not text:
        return None
    if text[0] in "[{":
        try:
            return json.loads(text, parse_float=Decimal, object_pairs_hook=_once)
        except ValueProblemError as problem:
            raise ValueProblemError(f"fact {fact.name!r}: {problem}") from None
        except (ValueError, ArithmeticError, RecursionError):
            raise ValueProblemError(f"fact {fact.name!r}: what begins like JSON is none") from None
    if boolean:
        return _TRUTHS.get(text.lower(), text)
    if fact.kind is Kind.SET:
        return [member.strip() for member in text.split(";") if member.strip()]
    return Decimal(text) if fact.kind is Kind.NUMBER and _NUMBER.fullmatch(text) else text
