"""Data frames of Spark decided on its workers: each row answered, or told why it is not decided.

What is shipped is the knowledge base as it is loaded on the driver, so all workers decide by the
same policies. Each Python process of a worker compiles and proves the versions it meets once, and
keeps them for later tasks.
"""

import pickle
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

from facts.case import read_date
from facts.errors import CaseError, MissingExtraError, TableError
from queries.batch.blocks import (
    ANSWERED,
    CHANGED,
    OUTCOME,
    TEXTS,
    BlockDecider,
    Request,
    block_decider,
)
from queries.batch.frames import BLOCK
from queries.batch.layout import Layout, laid_out
from queries.knowledge_base import KnowledgeBase

PROBLEM = "problem"
"""The column that says why a row is not decided; null if it is."""
_WHY = pa.field(PROBLEM, pa.string())
KEPT_DECIDERS = 8
"""Questions whose compiled versions a process keeps."""


def decide_spark(
    kb: KnowledgeBase,
    frame: Any,
    *policies: str,
    on: str | None = None,
    readings: Mapping[str, str] | None = None,
    keep: Collection[str] = (),
    ignore: Collection[str] = (),
    changes: bool = False,
    parts: bool = True,
) -> Any:
    """Return a `pyspark.sql.DataFrame` of answers to the rows of another; Spark decides when to run.

    Columns and arguments are those of `KnowledgeBase.batch`. The answers hold `id` and `on` where
    the frame has them, and the columns kept. A row that cannot be decided has the reason in `problem`
    and no outcome. All errors are raised before any job starts: TableError, MissingExtraError,
    UnknownPolicyError, UnknownReadingError, and CaseError for a date that is none.
    """
    types = _spark_types()
    if not hasattr(frame, "mapInArrow"):
        raise TableError([f"expected a data frame of Spark, got {type(frame).__name__}"])
    try:
        day = read_date(on)
    except ValueError:
        raise CaseError(None, ["on: expected a date such as 2025-09-15"]) from None
    layout = laid_out(frame.columns, kb.vocabulary, keep=keep, ignore=ignore)
    copied = [*(name for name in ("id", "on") if name in layout.frame), *layout.kept]
    said = [*(ANSWERED if parts else OUTCOME), *(CHANGED if changes else ()), _WHY]
    problems = _problems(layout, policies, {field.name for field in said})
    if problems:
        raise TableError(problems)
    own = replace(layout, frame=layout.frame - {"id"}, kept=())
    request = Request(policies, day, own, changes=changes, parts=parts)
    block_decider(kb, request, readings or {})
    asked = [*copied, *own.frame - {*copied}, *(heading.column for heading in own.facts)]
    schema = types.StructType(
        [
            *(frame.schema[name] for name in copied),
            *(types.StructField(field.name, _spark_type(types, field.type)) for field in said),
        ]
    )
    decide = partial(_decided, _shipped(kb, request, readings or {}), asked, copied)
    # Spark takes names apart at their dots, so columns go to the workers without them.
    numbered = frame.select(*map(_quoted, asked)).toDF(
        *(f"c{place}" for place in range(len(asked)))
    )
    return numbered.mapInArrow(decide, schema)


def _problems(layout: Layout, policies: Sequence[str], taken: Collection[str]) -> list[str]:
    """Say what cannot be asked of columns that are in order; `taken` are the names of answers."""
    problems = [
        f"column {name!r} cannot be kept: the answers have one of this name; rename it"
        for name in layout.kept
        if name.lower() in taken
    ]
    if not policies and "policy" not in layout.frame:
        problems.append("no policy is asked about, and there is no column 'policy' to name it")
    if not (layout.kept or layout.facts or layout.frame):
        problems.append("there is no column to decide by, nor one to tell rows apart")
    return problems


def _spark_types() -> Any:
    try:
        return import_module("pyspark.sql.types")
    except ImportError:
        raise MissingExtraError("pyspark", "spark") from None


def _spark_type(types: Any, kind: Any) -> Any:
    """Return what Spark calls a type of the answers."""
    if kind == TEXTS:
        return types.ArrayType(types.StringType())
    own = {pa.string(): "StringType", pa.int64(): "LongType", pa.bool_(): "BooleanType"}
    return getattr(types, own[kind])()


def _quoted(column: str) -> str:
    """Return a name that Spark does not take apart at its dots."""
    return "`" + column.replace("`", "``") + "`"


def _shipped(kb: KnowledgeBase, request: Request, readings: Mapping[str, str]) -> bytes:
    """Return all that a worker needs to decide rows, without what only other questions ask for."""
    library = kb._library  # noqa: SLF001 - it is loaded once, on the driver
    library = replace(library, files={}, read_references=dict, read_evidence=None)
    return pickle.dumps((library, request, dict(readings)))


@lru_cache(KEPT_DECIDERS)
def _decider(shipped: bytes) -> BlockDecider:
    library, request, readings = pickle.loads(shipped)  # noqa: S301 - the driver made it
    return block_decider(KnowledgeBase(library), request, readings)


def _decided(
    shipped: bytes, names: Sequence[str], copied: Sequence[str], batches: Iterable[Any]
) -> Iterator[Any]:
    """Decide the rows of a partition, as `mapInArrow` asks for it; `names` are those of its columns."""
    decider = _decider(shipped)
    for numbered in _blocks(batches):
        block = numbered.rename_columns(list(names))
        answered, rejected = decider.decide(block, np.arange(block.num_rows))
        refused = rejected.select(["row", "reason"]).rename_columns(["row", PROBLEM])
        told = pa.concat_tables([answered, refused], promote_options="default").sort_by("row")
        own = block.select(list(copied)).take(pa.array(told.column("row").to_numpy()))
        said = [name for name in told.column_names if name not in ("row", *copied)]
        columns = [*own.columns, *(told.column(name) for name in said)]
        yield from pa.table(columns, [*copied, *said]).combine_chunks().to_batches()


def _blocks(batches: Iterable[Any]) -> Iterator[Any]:
    """Put small batches together: rows are decided fastest by the ten thousand."""
    waiting: list[Any] = []
    for batch in batches:
        for start in range(0, batch.num_rows, BLOCK):
            waiting.append(batch.slice(start, BLOCK))
            if sum(part.num_rows for part in waiting) >= BLOCK:
                yield pa.concat_batches(waiting)
                waiting = []
    if waiting:
        yield pa.concat_batches(waiting)
