"""A table that is read once is decided under every version and reading as its cases alone are."""

import random
from typing import Any

import oracle
import pytest

from engine import many as engine_many
from facts.errors import (
    CaseError,
    TableError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
)
from policygrounds import Case, KnowledgeBase

pa = pytest.importorskip("pyarrow", reason="the extra tables is not installed")

from queries.batch import frames, prepared  # noqa: E402 - it needs the extra

CENTENE, FEP = "CP.PHAR.302", "5.21.071"
WRONG = (3, 40)
"""Rows whose diagnosis is misspelt."""


@pytest.fixture(scope="module")
def rows(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """Draw cases by turns complete and partial."""
    rng = random.Random(11)
    drawn = [
        oracle.random_case(rng, CENTENE, complete=place % 2 == 0, free_budget=500)
        for place in range(90)
    ]
    values = [
        {name: None if isinstance(raw, dict) else raw for name, raw in case.items()}
        for case in drawn
    ]
    return [{name: row.get(name) for name in kb.vocabulary.facts} for row in values]


def table(rows: list[dict[str, Any]]) -> Any:
    lists = pa.list_(pa.string())
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], lists if name in oracle.SETS else None)
            for name in rows[0]
        }
    )


@pytest.mark.parametrize("block", [7, 65_536])
@pytest.mark.parametrize("policy", [FEP, CENTENE])
def test_each_version_and_reading_is_decided_as_its_cases_are(
    kb: KnowledgeBase,
    rows: list[dict[str, Any]],
    policy: str,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "BLOCK", block)
    monkeypatch.setattr(prepared, "MOST_LAID_OUT", 2)
    found = kb.prepare(table(rows))
    assert (len(found), found.rejected.num_rows) == (len(rows), 0)
    rng = random.Random(policy)
    seen = set[str]()
    for version in kb.policy(policy).versions:
        for readings in ({}, oracle.random_readings(rng, policy), {}):
            expected = [
                kb.outcome(
                    Case(policy=policy, on=version.start, facts=facts), readings=readings
                ).value
                for facts in rows
            ]
            seen |= {*expected}
            outcomes = found.outcomes(policy, on=version.start, readings=readings)
            assert outcomes.to_pylist() == expected
    assert seen >= {"approve", "deny", "pend"}


@pytest.mark.parametrize("block", [7, 65_536])
def test_rows_that_cannot_be_read_have_no_outcome(
    kb: KnowledgeBase, rows: list[dict[str, Any]], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BLOCK", block)
    ids = pa.array([f"case {place}" for place in range(len(rows))])
    wrong = ["myeloma" if place in WRONG else row["diagnosis"] for place, row in enumerate(rows)]
    spoiled = table(rows).drop_columns("diagnosis").append_column("diagnosis", pa.array(wrong))
    spoiled = spoiled.append_column("id", ids).append_column("site", ids)
    found = kb.prepare(spoiled, ignore=["site"])
    refused = found.rejected.to_pylist()
    assert [(row["row"], row["id"]) for row in refused] == [
        (place + 1, f"case {place}") for place in WRONG
    ]
    assert all("'diagnosis'" in row["reason"] for row in refused)
    outcomes = found.outcomes(CENTENE, on="2025-09-15").to_pylist()
    right = kb.prepare(table(rows)).outcomes(CENTENE, on="2025-09-15").to_pylist()
    assert outcomes == [None if place in WRONG else each for place, each in enumerate(right)]


@pytest.mark.parametrize("what", ["all rows", "rows with unknown facts"])
def test_what_is_not_compiled_is_decided_by_the_solver(
    kb: KnowledgeBase, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    compiled = kb.prepare(table(rows[:12])).outcomes(FEP, on="2025-09-15").to_pylist()
    monkeypatch.setattr(engine_many, "_proved", {})
    if what == "all rows":
        monkeypatch.setattr(engine_many.ManyCases, "equals", lambda _: False)
    else:
        monkeypatch.setattr(engine_many.PartlyKnown, "are_right", lambda _: False)
    found = kb.prepare(table(rows[:12])).outcomes(FEP, on="2025-09-15")
    assert found.to_pylist() == compiled


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary(), pa.large_string()])
def test_rejected_rows_are_named_by_ids_of_any_kind_unless_ignored(
    kb: KnowledgeBase, kind: Any
) -> None:
    data = pa.table({"age": pa.array(["x"]), "id": pa.array(["a"]).cast(kind)})
    assert kb.prepare(data).rejected.column("id").to_pylist() == ["a"]
    assert kb.prepare(data, ignore=["id"]).rejected.column("id").to_pylist() == [None]


def test_an_empty_table_has_no_outcomes(kb: KnowledgeBase) -> None:
    found = kb.prepare(pa.table({"age": pa.array([], pa.int64())}))
    assert len(found.outcomes(FEP, on="2025-09-15")) == len(found) == 0


def test_what_does_not_fit_is_refused(kb: KnowledgeBase) -> None:
    with pytest.raises(TableError, match="column 'on': the policy and the day are said when"):
        kb.prepare(pa.table({"on": ["2025-09-15"], "policy": [FEP]}))
    with pytest.raises(TableError, match="no fact of the vocabulary; did you mean 'age'"):
        kb.prepare(pa.table({"agee": [1]}))
    with pytest.raises(TableError, match="expected a table"):
        kb.prepare([{"age": 1}])
    found = kb.prepare(pa.table({"age": [1]}))
    with pytest.raises(UnknownPolicyError):
        found.outcomes("5.21.72")
    with pytest.raises(UncoveredDateError):
        found.outcomes(FEP, on="1999-01-01")
    with pytest.raises(UnknownReadingError):
        found.outcomes(FEP, readings={"in_combination": "exactly"})
    with pytest.raises(CaseError, match="expected a date"):
        found.outcomes(FEP, on="soon")
