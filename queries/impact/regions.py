"""Rows held against the regions of all possible patients outside of which nothing changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from engine.analysis.analyst import Analyst
from engine.analysis.difference import Comparison, Difference, Region
from engine.determination import Outcome
from facts.values import Known, Members, narrowed
from queries.batch.files import Block
from queries.batch.layout import Heading, Layout
from queries.batch.reading import (
    Codes,
    ColumnReader,
    Flags,
    Read,
    ReadMembers,
    Texts,
    encoded_once,
)
from queries.impact.changes import PolicyChange
from queries.impact.result import DifferenceSeen, Pair, Proof, RegionSeen
from queries.witnesses import replays

Asked: TypeAlias = tuple[str, Known] | tuple[str, str, bool]
"""What a region asks: of a fact, what it is known as; of a set, a member in it or not."""


class Regions:
    """Finds the rows that lie in the regions of a comparison, for certain or perhaps."""

    def __init__(self, comparison: Comparison, layout: Layout, texts: Texts) -> None:
        self._comparison = comparison
        self._readers = [ColumnReader(heading, texts) for heading in layout.facts]
        self._asked = [
            [_asked(region) for region in difference.regions]
            for difference in comparison.differences
        ]
        self._rows = [np.zeros(len(each), np.int64) for each in self._asked]
        self._perhaps = [np.zeros(len(each), np.int64) for each in self._asked]
        self._within_any = [0 for _ in self._asked]
        self._unsettled = self._unexplained = 0
        self._tables: dict[tuple[str, Asked], _Table] = {}

    def add(self, block: Block, positions: Codes, pairs: Sequence[Pair]) -> None:
        """Look where the rows of a block lie; `pairs` are what is said of each."""
        reads = [
            (
                reader.heading,
                read_values(reader, block.rows.column(reader.heading.column), positions),
            )
            for reader in self._readers
        ]
        size = len(positions)
        kinds = {id(pair): pair for pair in pairs}
        own = [id(pair) for pair in pairs]
        changes = _flags(own, {key: pair.changes for key, pair in kinds.items()})
        is_open = _flags(
            own,
            {
                key: not pair.changes and pair.before.outcome == Outcome.PEND
                for key, pair in kinds.items()
            },
        )
        checked = _flags(
            own,
            {key: pair.changes and pair.parts != ("authorization",) for key, pair in kinds.items()},
        )
        found: dict[Asked, tuple[Flags, Flags]] = {}
        anywhere = np.zeros(size, np.bool_)
        for number, regions in enumerate(self._asked):
            within = np.zeros(size, np.bool_)
            for place, asked in enumerate(regions):
                sure, perhaps = changes.copy(), np.ones(size, np.bool_)
                for each in asked:
                    if each not in found:
                        found[each] = self._met(each, reads, size)
                    sure &= found[each][0]
                    perhaps &= found[each][1]
                self._rows[number][place] += np.count_nonzero(sure)
                self._perhaps[number][place] += np.count_nonzero(perhaps & changes)
                within |= sure
                anywhere |= perhaps
            self._within_any[number] += int(np.count_nonzero(within))
        self._unsettled += int(np.count_nonzero(anywhere & is_open))
        self._unexplained += int(np.count_nonzero(checked & ~anywhere))

    def _met(
        self, asked: Asked, reads: Sequence[tuple[Heading, Read | ReadMembers]], size: int
    ) -> tuple[Flags, Flags]:
        """Return the rows that have what is asked for certain, and those that may have it."""
        sure, perhaps = np.zeros(size, np.bool_), np.ones(size, np.bool_)
        for heading, read in reads:
            if heading.fact.name != asked[0]:
                continue
            if isinstance(read, ReadMembers):
                if len(asked) == 3:
                    held = read.members[asked[1]] == asked[2]
                    sure |= read.known & held
                    perhaps &= held | ~read.known
                continue
            own_sure, own_perhaps = self._table(heading.column, asked, read.known)
            sure |= own_sure[read.codes]
            perhaps &= own_perhaps[read.codes]
        return sure, perhaps

    def _table(
        self, column: str, asked: Asked, known: Sequence[Known | None]
    ) -> tuple[Flags, Flags]:
        """Return for each value of a column whether it is within what is asked, and may be."""
        table = self._tables.get((column, asked))
        if table is None or table.known is not known:
            table = self._tables[column, asked] = _Table(known, [], [])
        for value in known[len(table.sure) :]:
            sure, perhaps = _within(value, asked)
            table.sure.append(sure)
            table.perhaps.append(perhaps)
        return np.array(table.sure, np.bool_), np.array(table.perhaps, np.bool_)

    def proof(self, change: PolicyChange) -> Proof:
        """Put together what was found; every witness is decided again."""
        differences = tuple(
            DifferenceSeen(difference, tuple(map(RegionSeen, difference.regions, *counts)), within)
            for difference, within, *counts in zip(
                self._comparison.differences,
                self._within_any,
                (each.tolist() for each in self._rows),
                (each.tolist() for each in self._perhaps),
                strict=True,
            )
        )
        unsound = sum(
            not _bears_out(change, each.difference, seen.region)
            for each in differences
            for seen in each.regions
        )
        return Proof(self._comparison, differences, self._unsettled, self._unexplained, unsound)


def read_values(reader: ColumnReader, column: Any, positions: Codes) -> Read | ReadMembers:
    """Read some rows of a plain column, by their distinct values or as lists of members."""
    encoded = encoded_once(column)
    read = reader.read(column if encoded is None else encoded)
    if not isinstance(read, Read | ReadMembers):
        raise TypeError(column.type)
    return read.rows(positions)


@dataclass(slots=True)
class _Table:
    """What was found of the values of a column so far."""

    known: Sequence[Known | None]
    sure: list[bool]
    perhaps: list[bool]


def _asked(region: Region) -> list[Asked]:
    """Take apart what a region asks, members of sets one by one."""
    asked: list[Asked] = []
    for name, known in region.facts.items():
        if isinstance(known, Members):
            asked += ((name, member, True) for member in sorted(known.includes))
            asked += ((name, member, False) for member in sorted(known.excludes))
        else:
            asked.append((name, known))
    return asked


def _within(value: Known | None, asked: Asked) -> tuple[bool, bool]:
    """Whether a value is within what is asked for certain, and whether it may be."""
    if value is None:
        return False, True
    if len(asked) == 2:
        both = narrowed(value, asked[1])
        return both == value, both is not None
    if not isinstance(value, Members):
        return False, True
    inside, outside = asked[1] in value.includes, asked[1] in value.excludes
    return (inside, not outside) if asked[2] else (outside, not inside)


def _bears_out(change: PolicyChange, difference: Difference, region: Region) -> bool:
    """Whether the witnesses of a region get the answers they are said to have."""
    for side, witness, value in zip(
        (change.before, change.after),
        region.witnesses,
        (difference.first, difference.second),
        strict=True,
    ):
        is_outcome = difference.part == "outcome"
        shown = witness if is_outcome else replace(witness, parts={difference.part: value})
        if not replays(side.kb, shown):
            return False
    return True


def _flags(own: Sequence[int], holds: Mapping[int, bool]) -> Flags:
    return np.fromiter((holds[each] for each in own), np.bool_, len(own))


def prove(change: PolicyChange) -> Comparison:
    """Find all regions of possible patients in which a change changes the answer."""
    before, after = change.before, change.after
    number = before.policy.number
    if change.kind == "versions":
        return before.kb.diff(number, before.version.start, after.version.start)
    analyst = Analyst(before.kb.vocabulary, {number: before.policy}, {})
    return analyst.compare(
        (before.policy, before.version),
        (after.policy, after.version),
        before.readings,
        after.readings,
    )
