"""Data frames, Arrow tables and relations of duckdb decided in memory."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

from facts.errors import TableError
from queries.batch.blocks import REJECTED, Request, block_decider
from queries.batch.layout import laid_out
from queries.batch.reading import Codes
from queries.frames import pandas_frame, polars_frame
from queries.knowledge_base import KnowledgeBase

BLOCK = 65_536
"""Rows decided at a time."""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of the rows of a table: those answered, and those rejected with the reason.

    Both are `pyarrow.Table`s; each row names the row it is about, counted from 1.
    """

    answered: Any
    rejected: Any

    def arrow(self) -> Any:
        """Return the answers as a `pyarrow.Table`."""
        return self.answered

    def pandas(self) -> Any:
        """Return the answers as a `pandas.DataFrame`. Raises MissingExtraError."""
        return pandas_frame(self.answered)

    def polars(self) -> Any:
        """Return the answers as a `polars.DataFrame`. Raises MissingExtraError."""
        return polars_frame(self.answered)


def streamed(data: Any) -> Any:
    """Return a table as a `pyarrow.RecordBatchReader`. Raises TableError."""
    if not hasattr(data, "__arrow_c_stream__"):
        kind = type(data).__name__
        raise TableError([f"expected a table (Arrow, polars, pandas or duckdb), got {kind}"])
    try:
        return pa.RecordBatchReader.from_stream(data)
    except pa.ArrowException as error:
        raise TableError([f"Arrow cannot take the table: {error.args[-1]}"]) from None


def numbered_blocks(reader: Any) -> Iterator[tuple[Any, Codes]]:
    """Yield the rows of a table in blocks, with their numbers, counted from 1."""
    done = 0
    for batch in reader:
        for start in range(0, batch.num_rows, BLOCK):
            block = batch.slice(start, BLOCK)
            yield block, np.arange(done + 1, done + 1 + block.num_rows)
            done += block.num_rows


def decide_frame(
    kb: KnowledgeBase,
    data: Any,
    request: Request,
    *,
    readings: Mapping[str, str],
    keep: Collection[str] = (),
    ignore: Collection[str] = (),
) -> BatchAnswer:
    """Decide the rows of anything that gives Arrow's C stream, as a request says but for its layout.

    Raises TableError, UnknownPolicyError and UnknownReadingError.
    """
    reader = streamed(data)
    layout = laid_out(reader.schema.names, kb.vocabulary, keep=keep, ignore=ignore)
    decider = block_decider(kb, replace(request, layout=layout), readings)
    answered, rejected = [], []
    for block, numbers in numbered_blocks(reader):
        decided, refused = decider.decide(block, numbers)
        answered.append(decided)
        rejected.append(refused)
    if not answered:
        empty = pa.RecordBatch.from_pylist([], schema=reader.schema)
        answered.append(decider.decide(empty, np.arange(0))[0])
    return BatchAnswer(
        pa.concat_tables(answered), pa.concat_tables(rejected or [REJECTED.empty_table()])
    )
