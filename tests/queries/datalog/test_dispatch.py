"""Queries are evaluated in a process that can be killed; nobody waits for long, and it is used again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from datalog_example import ROWS, ExampleDatabase

from engine.datalog import Cell, Query
from engine.relation import Row
from facts.errors import CrossCheckError, QueryLimitError
from queries.datalog import Limits, ask, asking, check, dispatch
from queries.datalog.dispatch import EvaluationError

ROOT = Path(__file__).parents[3]
EXPLODING = ", ".join(f"approves(A{i}, B{i}, C{i})" for i in range(20))


def test_a_query_that_takes_too_long_is_stopped_in_time_by_both_engines() -> None:
    for asked in (ask, check):
        start = time.perf_counter()
        with pytest.raises(QueryLimitError, match=r"more than 0\.5 seconds and was stopped"):
            asked(ExampleDatabase(), EXPLODING, limits=Limits(seconds=0.5))
        assert time.perf_counter() - start < 10


def test_a_query_that_takes_too_much_memory_is_stopped() -> None:
    with pytest.raises(QueryLimitError, match="more than 256 MiB or crashed, and was stopped"):
        ask(ExampleDatabase(), EXPLODING, limits=Limits(seconds=60, memory=256 << 20))


def test_an_answer_of_too_many_rows_is_refused_and_one_of_just_so_many_is_not() -> None:
    assert len(ask(ExampleDatabase(), "contains(R, D)", limits=Limits(rows=5))) == 5
    with pytest.raises(
        QueryLimitError, match="gives 5 rows, more than 4; narrow it, or end it with"
    ):
        ask(ExampleDatabase(), "contains(R, D)", limits=Limits(rows=4))
    assert len(ask(ExampleDatabase(), "contains(R, D) limit 4", limits=Limits(rows=4))) == 4


@pytest.mark.parametrize("field", ["seconds", "memory", "rows"])
def test_limits_are_above_nothing(field: str) -> None:
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="above 0"):
            Limits(**{field: wrong})


def test_queries_after_one_that_was_stopped_are_answered() -> None:
    with pytest.raises(QueryLimitError):
        ask(ExampleDatabase(), EXPLODING, limits=Limits(seconds=0.2))
    assert len(ask(ExampleDatabase(), "contains(R, pomalidomide)")) == 2


def test_a_child_that_was_killed_from_outside_is_told_of_and_replaced() -> None:
    ask(ExampleDatabase(), "contains(R, pomalidomide)")
    os.kill(dispatch._idle[-1]._process.pid, signal.SIGKILL)
    with pytest.raises(QueryLimitError, match="crashed"):
        ask(ExampleDatabase(), "contains(R, pomalidomide)")
    assert len(ask(ExampleDatabase(), "contains(R, pomalidomide)")) == 2


def test_a_child_is_used_again_and_replaced_after_many_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask(ExampleDatabase(), "withdrawn(P)")
    first = dispatch._idle[-1]
    ask(ExampleDatabase(), "withdrawn(P)")
    assert dispatch._idle[-1] is first
    monkeypatch.setattr(dispatch, "MOST_REQUESTS", first.requests + 1)
    ask(ExampleDatabase(), "withdrawn(P)")
    assert first not in dispatch._idle


def test_queries_do_not_see_what_others_left_behind() -> None:
    assert len(ask(ExampleDatabase(), "a(R) :- contains(R, _). a(R)")) == 4
    assert len(ask(ExampleDatabase(), "a(R) :- needs(_, R, t_11_14). a(R)")) == 1
    data = ROWS | {"contains": {("a1", "pomalidomide")}}
    assert len(ask(ExampleDatabase(data), "a(R) :- contains(R, _). a(R)")) == 1


def test_threads_ask_at_the_same_time() -> None:
    found: list[int] = []

    def run(drug: str, expected: int) -> None:
        for _ in range(10):
            answer = ask(ExampleDatabase(), "contains(R, $drug)", parameters={"drug": drug})
            found.append(len(answer) - expected)

    threads = [
        threading.Thread(target=run, args=each)
        for each in [("pomalidomide", 2), ("dexamethasone", 3)] * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * 40


def test_the_parent_is_not_held_up_by_a_child_that_cannot_end_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "SECONDS_TO_START", 1.0)
    ask(ExampleDatabase(), "withdrawn(P)")
    os.kill(dispatch._idle[-1]._process.pid, signal.SIGSTOP)
    start = time.perf_counter()
    with pytest.raises(QueryLimitError, match="more than 1 seconds"):
        ask(ExampleDatabase(), "withdrawn(P)", limits=Limits(seconds=1))
    assert time.perf_counter() - start < 10


def test_no_child_outlives_the_program() -> None:
    program = (
        "from datalog_example import ExampleDatabase; from queries.datalog import ask, dispatch;"
        "ask(ExampleDatabase(), 'withdrawn(P)'); print(dispatch._idle[-1]._process.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'oracle'}"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert not Path(f"/proc/{int(done.stdout)}").exists()


def differing(
    engine: str, query: Query, tables: Mapping[str, frozenset[Row]], limits: Limits
) -> tuple[tuple[Cell, ...], ...]:
    rows = dispatch.evaluated(engine, query, tables, limits)
    return rows[1:] if engine == "clingo" else rows


def test_a_difference_between_the_engines_is_an_error_without_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "evaluated", differing)
    with pytest.raises(CrossCheckError) as error:
        check(ExampleDatabase(), "contains(R, pomalidomide)", source="routes.dl")
    assert str(error.value) == (
        "routes.dl: pyDatalog gives 2 rows and clingo 1; 1 are pyDatalog's alone and 0 clingo's; "
        "trust neither, and report the query"
    )


def test_a_failure_of_an_engine_is_an_error_without_values() -> None:
    query = Query((), ())
    with pytest.raises(EvaluationError, match=r"^pyDatalog: IndexError in asked, line [0-9]+$"):
        dispatch.evaluated("pyDatalog", query, {}, Limits())
