"""Spark gives the answers of `KnowledgeBase.batch`, on workers of their own."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import oracle
import pytest

from facts.errors import (
    CaseError,
    MissingExtraError,
    TableError,
    UnknownPolicyError,
    UnknownReadingError,
)
from policygrounds import KnowledgeBase

pa = pytest.importorskip("pyarrow", reason="the extra tables is not installed")

from queries.batch.spark import _blocks, decide_spark  # noqa: E402 - it needs the extra

POLICY, DAY = "CP.PHAR.302", "2025-09-15"
ROOT = Path(__file__).parents[2]
ROWS, DRAWN = 2_000, 300
SEED = 302

pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas:FutureWarning"
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Start Spark with two workers that find this package as the tests do."""
    sql = pytest.importorskip("pyspark.sql", reason="the extra spark is not installed")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        session = (
            sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "300")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate()
        )
        yield session
        session.stop()


def drawn() -> list[dict[str, Any]]:
    """Draw cases with values alone, some of them twice; one in twenty has a word misspelt."""
    random = Random(SEED)
    cases = [
        oracle.random_case(random, POLICY, complete=place % 3 != 0, free_budget=8)
        for place in range(DRAWN)
    ]
    rows = []
    for place in range(ROWS):
        facts = cases[place % DRAWN].items()
        row: dict[str, Any] = {name: value for name, value in facts if not isinstance(value, dict)}
        if place % 40 == 7:
            row["diagnosis"] = "multiple_mieloma"
        if place % 40 == 27:
            row["regimen"] = ["ixazomib", "lenalidomid"]
        rows.append({**row, "id": f"case-{place}", "site": place % 5})
    return rows


def as_table(rows: Sequence[dict[str, Any]]) -> Any:
    names = sorted({name for row in rows for name in row})
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])


def of_batch(kb: KnowledgeBase, table: Any, *policies: str, **options: Any) -> list[dict[str, Any]]:
    """Return what `batch` says in the form of Spark's answers."""
    answer = kb.batch(table, *policies, on=DAY, **options)
    kept = [name for name in answer.answered.column_names if name in table.column_names]
    nothing = dict.fromkeys(answer.answered.column_names)
    rows = table.to_pylist()
    said = [
        *({**row, "problem": None} for row in answer.answered.to_pylist()),
        *(
            {
                **nothing,
                **{name: rows[row["row"] - 1][name] for name in kept if name != "policy"},
                "problem": row["reason"],
            }
            for row in answer.rejected.to_pylist()
        ),
    ]
    return ordered({name: row[name] for name in row if name != "row"} for row in said)


def ordered(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["id"], row["policy"] or "", row["version"] or ""))


def test_spark_answers_random_rows_as_batch_does(spark: Any, kb: KnowledgeBase) -> None:
    table = as_table(drawn())
    frame = spark.createDataFrame(table).repartition(4)
    answers = decide_spark(kb, frame, POLICY, on=DAY, keep=["site"])
    found = answers.toArrow()
    assert found.column_names == answers.columns
    rows = ordered(found.to_pylist())
    assert rows == of_batch(kb, table, POLICY, keep=["site"])
    assert sum(row["outcome"] is None for row in rows) == ROWS // 20
    assert all((row["outcome"] is None) == (row["problem"] is not None) for row in rows)


def test_rows_name_their_policy_and_day_and_say_what_would_change_them(
    spark: Any, kb: KnowledgeBase
) -> None:
    facts: dict[str, Any] = oracle.random_case(Random(5), POLICY, complete=True, free_budget=8)
    given = facts.pop("prior_drugs")
    members = {
        f"prior_drugs.{drug}": drug in given for drug in kb.vocabulary.facts["prior_drugs"].values
    }
    facts |= {**members, "age": Decimal("70.00"), "responding": None}
    table = as_table(
        [
            {**facts, "id": "a", "policy": POLICY, "on": date(2025, 9, 1), "a.note": b"1"},
            {**facts, "id": "b", "policy": POLICY},
            {**facts, "id": "c", "policy": "CP.PHAR.999", "a.note": b"\xff"},
            {**facts, "id": "d", "a.note": b""},
            {**facts, "id": "e", "policy": POLICY, "on": date(1990, 1, 1), "a.note": b"5"},
            {**facts, "id": "f", "policy": POLICY, "age": Decimal("70.50")},
        ]
    )
    frame = spark.createDataFrame(table).coalesce(1)
    options: dict[str, Any] = {"keep": ["a.note"], "ignore": ["responding"], "changes": True}
    found = ordered(decide_spark(kb, frame, on=DAY, **options).toArrow().to_pylist())
    # `batch` makes text of bytes.
    notes = {row["id"]: row.pop("a.note") for row in found}
    assert notes == dict(zip("abcdef", [b"1", None, b"\xff", b"", b"5", None], strict=True))
    expected = of_batch(kb, table, **options)
    assert found == [
        {name: value for name, value in row.items() if name != "a.note"} for row in expected
    ]
    assert {row["id"] for row in found if row["problem"]} == {*"cdef"}
    assert {row["id"] for row in found if row["change"]} == {*"ab"}
    alone = decide_spark(kb, frame, on=DAY, ignore=["responding", "a.note"], parts=False)
    assert alone.columns == ["id", "on", "policy", "version", "outcome", "problem"]
    assert ordered(alone.toArrow().to_pylist()) == [
        {name: row[name] for name in alone.columns} for row in expected
    ]


class Frame:
    """A data frame of which only the columns are asked for."""

    def __init__(self, *columns: str) -> None:
        self.columns = list(columns)

    def mapInArrow(self) -> None:  # noqa: N802 - the name is Spark's
        raise AssertionError


@pytest.fixture
def with_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queries.batch.spark._spark_types", lambda: None)


WRONG: list[tuple[Any, tuple[str, ...], dict[str, Any], type[Exception], str]] = [
    ([], (POLICY,), {}, TableError, "expected a data frame of Spark, got list"),
    (Frame("id", "agee"), (POLICY,), {}, TableError, "did you mean 'age'"),
    (
        Frame("age", "Problem"),
        (POLICY,),
        {"keep": ["Problem"]},
        TableError,
        "column 'Problem' cannot be kept: the answers have one of this name; rename it",
    ),
    (
        Frame("age"),
        (),
        {},
        TableError,
        "no policy is asked about, and there is no column 'policy' to name it",
    ),
    (
        Frame("note"),
        (POLICY,),
        {"ignore": ["note"]},
        TableError,
        "there is no column to decide by, nor one to tell rows apart",
    ),
    (Frame("age"), ("CP.PHAR.999",), {}, UnknownPolicyError, "CP.PHAR.999"),
    (Frame("age"), (POLICY,), {"readings": {"mood": "x"}}, UnknownReadingError, "mood"),
    (Frame("age"), (POLICY,), {"on": "15.9.2025"}, CaseError, "on: expected a date"),
]


@pytest.mark.usefixtures("with_pyspark")
@pytest.mark.parametrize(("frame", "policies", "options", "error", "said"), WRONG)
def test_what_cannot_be_asked_is_said_before_a_job_starts(
    kb: KnowledgeBase,
    frame: Any,
    policies: tuple[str, ...],
    options: dict[str, Any],
    error: type[Exception],
    said: str,
) -> None:
    with pytest.raises(error) as raised:
        decide_spark(kb, frame, *policies, **options)
    assert said in str(raised.value)


def test_without_pyspark_the_extra_is_named(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql.types", None)
    with pytest.raises(MissingExtraError) as raised:
        decide_spark(kb, Frame("age"), POLICY)
    assert (raised.value.package, raised.value.extra) == ("pyspark", "spark")


def test_batches_become_blocks_of_some_size_without_losing_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("queries.batch.spark.BLOCK", 10)
    whole = pa.RecordBatch.from_pydict({"row": list(range(32))})
    batches = [whole.slice(0, 3), whole.slice(3, 25), whole.slice(28, 0), whole.slice(28)]
    blocks = list(_blocks(batches))
    assert [row for block in blocks for row in block.column("row").to_pylist()] == [*range(32)]
    assert [block.num_rows for block in blocks] == [13, 10, 9]
    assert list(_blocks([whole.slice(0, 0)])) == []
