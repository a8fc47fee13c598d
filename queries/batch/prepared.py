"""A table of cases read and checked once, and decided under any version and readings, time and again."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

from engine.policy import Policy
from facts.errors import TableError
from queries.batch.blocks import REJECTED, BlockReader, rejected, version_decider
from queries.batch.deciding import PLACES, Reads, Rows, VersionDecider
from queries.batch.frames import numbered_blocks, streamed
from queries.batch.layout import laid_out
from queries.knowledge_base import KnowledgeBase, check_readings_of, choose, day_of, readings_of

MOST_LAID_OUT = 4
"""Versions for which rows are kept as lanes; the oldest go first."""


class PreparedCases:
    """The rows of a table, read and checked, ready to be decided under one version after another.

    `rejected` is a `pyarrow.Table` of the rows that cannot be decided, with the reason, by their
    numbers, counted from 1. What rows say is kept in the form in which a version asks for it. Not safe to
    share between threads.
    """

    def __init__(self, kb: KnowledgeBase, data: Any, *, ignore: Collection[str] = ()) -> None:
        """Read a table, of which each column but `id` says something of a fact. Raises TableError."""
        reader = streamed(data)
        layout = laid_out(reader.schema.names, kb.vocabulary, ignore=ignore)
        if layout.frame - {"id"}:
            raise TableError(
                [
                    f"column {name!r}: the policy and the day are said when outcomes are asked for"
                    for name in sorted(layout.frame - {"id"})
                ]
            )
        self._kb = kb
        self._blocks: list[tuple[Reads, int]] = []
        self._deciders: dict[object, VersionDecider] = {}
        self._laid_out: dict[tuple[str, str, bool], list[list[Rows]]] = {}
        blocks, refused = BlockReader(layout), [REJECTED.empty_table()]
        for block, numbers in numbered_blocks(reader):
            reads, wrong = blocks.read(block)
            self._blocks.append((reads, len(numbers)))
            refused.append(rejected(block, numbers, wrong, layout))
        self.rejected = pa.concat_tables(refused)

    def __len__(self) -> int:
        """Return the number of rows, those rejected included."""
        return sum(size for _, size in self._blocks)

    def outcomes(
        self, policy: str, *, on: str | None = None, readings: Mapping[str, str] | None = None
    ) -> Any:
        """Return the outcome of each row, null for those rejected, as a `pyarrow.DictionaryArray`.

        `on` is a day, today if it is not given. Readings are chosen as for `KnowledgeBase.compare`.
        Raises UnknownPolicyError, UncoveredDateError, UnknownReadingError, and CaseError for a date
        that is none.
        """
        stated = self._kb.policy(policy)
        check_readings_of([stated], readings or {})
        own = choose(stated, readings_of(stated, readings or {}))
        day = day_of(on)
        decider, parts = self._ready(stated, day, own)
        places, start = np.empty(len(self), np.uint8), 0
        for (_, size), block in zip(self._blocks, parts, strict=True):
            decider.outcomes(block, places[start : start + size])
            start += size
        wrong = None
        if self.rejected.num_rows:
            wrong = np.zeros(len(places), np.bool_)
            wrong[self.rejected.column("row").to_numpy() - 1] = True
        words = [outcome.value for outcome in PLACES]
        indices = pa.array(places.view(np.int8), mask=wrong)
        return pa.DictionaryArray.from_arrays(indices, words, safe=False)

    def _ready(
        self, policy: Policy, day: str, readings: Mapping[str, str]
    ) -> tuple[VersionDecider, list[list[Rows]]]:
        """Return what decides under a version and readings, and the blocks laid out for it."""
        version = policy.version(day).start
        key = (policy.number, version, *sorted(readings.items()))
        decider = self._deciders.get(key)
        if decider is None:
            decider = version_decider(self._kb, policy, day, readings, parts=False)
            self._deciders[key] = decider
        form = (policy.number, version, decider.many is None)
        laid_out = self._laid_out.get(form)
        if laid_out is None:
            while len(self._laid_out) >= MOST_LAID_OUT:
                del self._laid_out[next(iter(self._laid_out))]
            laid_out = [decider.laid_out(*block) for block in self._blocks]
            self._laid_out[form] = laid_out
        return decider, laid_out
