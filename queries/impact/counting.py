"""Tables decided before and after a change, block by block; counts alone are kept."""

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate, compress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import compute

from engine.analysis.difference import Comparison
from engine.determination import Outcome
from facts.errors import TableError, did_you_mean
from facts.values import Bounds, Known, Members, OneOf, Truth
from facts.vocabulary import Vocabulary
from queries.batch.blocks import BlockDecider, Request, block_decider
from queries.batch.files import OUTPUTS, Block, TableFile, form_of
from queries.batch.layout import FRAME, Heading, Layout, laid_out
from queries.batch.reading import Codes, ColumnReader, Read, Texts, encoded_once, plain
from queries.batch.writing import WRITERS
from queries.impact.changes import PolicyChange, Side
from queries.impact.regions import Regions, prove, read_values
from queries.impact.result import (
    PARTS,
    Impact,
    Label,
    Pair,
    Responsible,
    Said,
    Share,
    adverse,
)

MOST_GROUPS = 30
"""Values of a column that are told apart; more numbers than these are put into ranges."""
RANGES = 5
MOST_VALUES = 10_000
"""Different numbers of a column that are counted."""
MOST_REASONS = 100
"""Different reasons kept for rows that cannot be decided."""
LONG = 10**16
"""Whole numbers from which on floats are written with an exponent."""
UNKNOWN = "not stated"
IN_PART = "known in part"
_SAID = (*PARTS, "outcome", "pathway", "deciding_sections", "needs_clinician")
_LISTED = ("outcome", "deciding_sections", "basis", "authorization", "refer_to", "needs_clinician")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table: columns to break down by, to keep and to ignore; a list; a proof."""

    by: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    list_file: Path | None = None
    proved: bool = True


def impact_on(
    change: PolicyChange,
    source: Path,
    question: Question,
    tell: Callable[[int], None] = lambda _: None,
) -> Impact:
    """Decide every row of a file before and after a change; say who is decided otherwise.

    Rows are decided under the policy of the change, whatever policy or day they name. `tell` is
    called with the number of rows of each block that is done. Raises TableError.
    """
    table = TableFile(source)
    if question.list_file is not None:
        form_of(question.list_file, OUTPUTS)
    layout, by = _columns(table.columns, change.before.kb.vocabulary, question)
    comparison = prove(change) if question.proved else None
    count = _Count(change, layout, table.texts, by, comparison)
    columns = {*layout.frame, *layout.kept, *(heading.column for heading in layout.facts), *by}
    with ExitStack() as stack:
        listed = None
        if question.list_file is not None:
            listed = stack.enter_context(_ListFile(question.list_file))
        names = [name for name in table.columns if name in columns]
        for block in table.blocks(names, layout.kept):
            changed = count.add(block)
            if listed is not None:
                listed.write(changed)
            tell(len(block.numbers) + len(block.unreadable))
    return count.impact()


def _columns(
    columns: Sequence[str], vocabulary: Vocabulary, question: Question
) -> tuple[Layout, tuple[str, ...]]:
    """Lay out the columns of a table, and name those to break down by.

    A column to break down by that is no fact is kept. The line of business is always among them.
    """
    problems = [
        f"there is no column {name!r} to break down by{did_you_mean(name, columns)}"
        for name in question.by
        if name not in columns
    ]
    problems += [
        f"column {name!r} is to be ignored, so nothing can be broken down by it"
        for name in question.by
        if name in question.ignore
    ]
    if problems:
        raise TableError(problems)
    added = [
        name
        for name in question.by
        if name.partition(".")[0] not in vocabulary.facts and name not in FRAME
    ]
    layout = laid_out(columns, vocabulary, keep=[*question.keep, *added], ignore=question.ignore)
    facts = {heading.column for heading in layout.facts}
    always = [name for name in ("line_of_business",) if name in facts]
    own = replace(layout, frame=layout.frame & {"id"})
    return own, tuple(dict.fromkeys([*always, *question.by]))


_Alike: TypeAlias = tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Outcomes, parts, and sections responsible of rows that change alike."""


class _Count:
    """Decides blocks on both sides and counts what becomes of their rows."""

    def __init__(
        self,
        change: PolicyChange,
        layout: Layout,
        texts: Texts,
        by: Sequence[str],
        comparison: Comparison | None,
    ) -> None:
        self._change = change
        self._deciders = [_decider(side, layout, texts) for side in (change.before, change.after)]
        self._places: dict[str, int] = {}
        self._pairs: list[Pair] = []
        self._counts: Counter[int] = Counter()
        readers = {each.column: ColumnReader(each, texts) for each in layout.facts}
        self._by = {name: _Values(name, readers.get(name)) for name in by}
        self._regions = Regions(comparison, layout, texts) if comparison else None
        self._rows = self._rejected = 0
        self._reasons: Counter[str] = Counter()

    def add(self, block: Block) -> Any:
        """Count the rows of a block; return those that change, as a `pyarrow.Table`."""
        columns = [plain(column) for column in block.rows.columns]
        rows_read = pa.RecordBatch.from_arrays(columns, names=block.rows.schema.names)
        block = replace(block, rows=rows_read)
        decided = [decider.decide(block.rows, block.numbers) for decider in self._deciders]
        before, after = (answered for answered, _ in decided)
        self._refuse(block, decided[0][1])
        codes = self._coded(before, after)
        rows = before.column("row").to_numpy()
        positions = np.searchsorted(block.numbers, rows)
        self._counts.update(_counted(codes))
        for values in self._by.values():
            values.add(block.rows.column(values.name), positions, codes)
        changes = np.array([pair.changes for pair in self._pairs], np.bool_)[codes]
        if self._regions is not None and len(rows):
            self._regions.add(block, positions, [self._pairs[code] for code in codes])
        places = np.flatnonzero(changes)
        return _listed(before.take(places), after.take(places))

    def _refuse(self, block: Block, rejected: Any) -> None:
        self._rows += block.rows.num_rows + len(block.unreadable)
        self._rejected += rejected.num_rows + len(block.unreadable)
        reasons = [
            *rejected.column("reason").to_pylist(),
            *(each.reason for each in block.unreadable),
        ]
        for reason in reasons:
            if reason in self._reasons or len(self._reasons) < MOST_REASONS:
                self._reasons[reason] += 1

    def _coded(self, before: Any, after: Any) -> Codes:
        """Return for each row the place of what is said of it among all pairs met so far."""
        keys = compute.binary_join_element_wise(_keys(before), _keys(after), "\x1d")
        encoded = _whole(keys).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        texts = encoded.dictionary.to_pylist()
        present, firsts = np.unique(codes, return_index=True)
        for code, first in zip(present, firsts, strict=True):
            if texts[code] not in self._places:
                self._places[texts[code]] = len(self._pairs)
                self._pairs.append(Pair(_said(before, int(first)), _said(after, int(first))))
        places = np.array([self._places[text] for text in texts], np.int64)
        coded: Codes = places[codes] if len(codes) else codes
        return coded

    def impact(self) -> Impact:
        """Put the counts together."""
        totals = [(self._pairs[code], count) for code, count in sorted(self._counts.items())]
        matrix: Counter[tuple[str, str]] = Counter()
        groups: Counter[_Alike] = Counter()
        sections: Counter[str] = Counter()
        parts: Counter[str] = Counter()
        for pair, count in totals:
            matrix[pair.before.outcome, pair.after.outcome] += count
            if pair.changes:
                one, other = pair.sections
                groups[pair.before.outcome, pair.after.outcome, pair.parts, one, other] += count
            if pair.outcome_changes:
                sections.update(dict.fromkeys((*pair.sections[0], *pair.sections[1]), count))
            parts.update(dict.fromkeys(pair.parts, count))

        def counted(holds: Callable[[Pair], bool]) -> int:
            return sum(count for pair, count in totals if holds(pair))

        return Impact(
            policy=self._change.before.policy.number,
            change=self._change,
            rows=self._rows,
            rejected=self._rejected,
            reasons=dict(self._reasons.most_common()),
            matrix=dict(sorted(matrix.items(), key=lambda item: list(map(_order, item[0])))),
            groups=tuple(
                Responsible(*key, rows=count)
                for key, count in sorted(
                    groups.items(), key=lambda item: (bool(item[0][2]), -item[1], item[0])
                )
            ),
            sections=dict(sorted(sections.items(), key=lambda item: (-item[1], item[0]))),
            breakdowns={name: values.shares(self._pairs) for name, values in self._by.items()},
            parts={part: parts[part] for part in PARTS if parts[part]},
            parts_changed=counted(lambda pair: bool(pair.parts)),
            adverse=counted(lambda pair: pair.is_adverse),
            newly_for_clinician=counted(
                lambda pair: pair.after.needs_clinician and not pair.before.needs_clinician
            ),
            no_longer_for_clinician=counted(
                lambda pair: pair.before.needs_clinician and not pair.after.needs_clinician
            ),
            proof=self._regions.proof(self._change) if self._regions else None,
        )


def _order(outcome: str) -> int:
    return list(Outcome).index(Outcome(outcome))


def _decider(side: Side, layout: Layout, texts: Texts) -> BlockDecider:
    request = Request((side.policy.number,), side.version.start, layout, texts)
    return block_decider(side.kb, request, side.readings)


def _keys(answered: Any) -> Any:
    """Return for each row all that is said of it, as one text."""
    texts = []
    for name in _SAID:
        column = answered.column(name)
        is_list = pa.types.is_list(column.type)
        text = compute.binary_join(column, "\x1f") if is_list else column.cast(pa.string())
        texts.append(compute.fill_null(text, "\x00"))
    return compute.binary_join_element_wise(*texts, "\x1e")


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _said(answered: Any, row: int) -> Said:
    (said,) = answered.select(_SAID).slice(row, 1).to_pylist()
    made: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each for name, each in said.items()
    }
    return Said(**made)


def _counted(codes: Codes) -> dict[int, int]:
    found, counts = np.unique(codes, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _listed(before: Any, after: Any) -> Any:
    """Return the rows of the list: what names each, and what is said of it before and after."""
    named = before.column_names[: before.column_names.index("policy")]
    columns = {name: before.column(name) for name in named}
    for name in _LISTED:
        columns[f"before_{name}"] = before.column(name)
        columns[f"after_{name}"] = after.column(name)
    outcomes = zip(
        before.column("outcome").to_pylist(), after.column("outcome").to_pylist(), strict=True
    )
    columns["clinician_must_review"] = pa.array([adverse(*each) for each in outcomes], pa.bool_())
    return pa.table(columns)


class _ListFile:
    """A file of rows that grows block by block, and is in its place only when it is whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._writer = WRITERS[form_of(file, OUTPUTS)]
        self._folder = TemporaryDirectory(prefix=f"{file.name}.", dir=file.parent)
        self._parts: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def write(self, rows: Any) -> None:
        """Write the rows of one block."""
        part = Path(self._folder.name, f"{len(self._parts):08d}.part")
        self._writer.write_part(rows, part)
        self._parts.append(part)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._folder as folder:
            if kind is None:
                whole = Path(folder, "whole")
                self._writer.join(self._parts, whole)
                whole.replace(self._file)


class _Values:
    """The values of a column, with the rows of each by what is said of them.

    Those of a fact are what is read of it; those of another column what is in its cells.
    """

    def __init__(self, name: str, reader: ColumnReader | None) -> None:
        self.name = name
        self._reader = reader
        self._counts: dict[Label, Counter[int]] = {}

    def add(self, column: Any, positions: Codes, codes: Codes) -> None:
        """Count rows of a block. Raises TableError if there are too many values to tell apart."""
        label, own = self._read(column, positions)
        pairs, counts = np.unique(np.stack([own, codes]), axis=1, return_counts=True)
        labels = {place: label(place) for place in np.unique(own).tolist()}
        for (place, code), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            self._counts.setdefault(labels[place], Counter())[code] += count
        numbers, texts = self._numbers(), self._texts()
        for held, most, kind in (
            (texts, MOST_GROUPS, "values"),
            (numbers, MOST_VALUES, "numbers"),
        ):
            if len(held) > most:
                problem = (
                    f"column {self.name!r} has more than {most:,} {kind}, too many to break down "
                    "by; name another column, or put its values into groups in a column of their "
                    "own"
                )
                raise TableError([problem])

    def _read(self, column: Any, positions: Codes) -> tuple[Callable[[int], Label], Codes]:
        """Return what names the value of a place, and for each row the place of its own."""
        if self._reader is None:
            values, places = _distinct(column.take(pa.array(positions)))
            return (lambda place: _label(values[place])), places
        heading, read = self._reader.heading, read_values(self._reader, column, positions)
        if isinstance(read, Read):
            return (lambda place: _label_of(heading, read.known[place])), read.codes
        flags, places = np.unique(
            np.stack([read.known, *read.members.values()]), axis=1, return_inverse=True
        )

        def label(place: int) -> Label:
            is_known, *held = flags[:, place].tolist()
            return _listed_members(compress(read.members, held)) if is_known else None

        return label, places.reshape(-1)

    def _numbers(self) -> list[int | float | Decimal]:
        return [each for each in self._counts if isinstance(each, int | float | Decimal)]

    def _texts(self) -> list[str]:
        return [each for each in self._counts if isinstance(each, str)]

    def shares(self, pairs: Sequence[Pair]) -> tuple[Share, ...]:
        """Return the rows of each value, or of each range of numbers."""
        return tuple(
            _share(name, [self._counts[label] for label in labels], pairs)
            for name, labels in self._groups()
        )

    def _groups(self) -> Iterator[tuple[str, Sequence[Label]]]:
        numbers = sorted(self._numbers())
        if len(numbers) > MOST_GROUPS:
            yield from self._ranges(numbers)
        else:
            yield from ((_written(number), [number]) for number in numbers)
        yield from ((text, [text]) for text in sorted(self._texts()))
        if None in self._counts:
            yield UNKNOWN, [None]

    def _ranges(
        self, numbers: Sequence[int | float | Decimal]
    ) -> Iterator[tuple[str, Sequence[Label]]]:
        """Put numbers into ranges of about as many rows each."""
        rows = [self._counts[number].total() for number in numbers]
        before = [0, *accumulate(rows)]
        ranges: dict[int, list[int | float | Decimal]] = {}
        for number, below, own in zip(numbers, before, rows, strict=False):
            middle = (below + own / 2) / before[-1]
            ranges.setdefault(min(RANGES - 1, int(middle * RANGES)), []).append(number)
        for held in ranges.values():
            low, high = _written(held[0]), _written(held[-1])
            yield (low if low == high else f"{low} to {high}"), held


def _distinct(column: Any) -> tuple[Sequence[object], Codes]:
    """Return values of a column, and for each row the place of its own."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    encoded = encoded_once(column)
    if encoded is None:
        return column.to_pylist(), np.arange(len(column))
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _label(value: object) -> Label:
    """Name what is in a cell; two values that differ have names that do."""
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return value
    return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)


def _label_of(heading: Heading, known: Known | None) -> Label:
    """Name what is known of a fact, or of one member of a set."""
    label: Label = IN_PART
    match known:
        case None:
            label = None
        case Truth(value):
            label = _label(value)
        case Bounds(low, high) if low == high:
            label = heading.fact.number(low)
        case OneOf(values) if len(values) == 1:
            label = min(values)
        case Members(includes, _) if heading.member is not None:
            label = _label(heading.member in includes)
        case Members(includes, excludes) if includes | excludes == heading.fact.known_values:
            label = _listed_members(includes)
    return label


def _listed_members(members: Iterable[str]) -> str:
    return ", ".join(sorted(members)) or "none"


def _written(number: float | Decimal) -> str:
    """Write a number in a way that no other number has."""
    return str(int(number) if -LONG < number < LONG and number == int(number) else number)


def _share(name: str, counts: Collection[Counter[int]], pairs: Sequence[Pair]) -> Share:
    rows: Counter[int] = Counter()
    for each in counts:
        rows.update(each)

    def counted(holds: Callable[[Pair], bool]) -> int:
        return sum(count for code, count in rows.items() if holds(pairs[code]))

    return Share(
        name,
        rows.total(),
        counted(lambda pair: pair.outcome_changes),
        counted(lambda pair: bool(pair.parts)),
        counted(lambda pair: pair.is_adverse),
    )
