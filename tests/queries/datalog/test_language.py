"""What queries mean: answers worked out by hand."""

import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from datalog_example import ROWS, ExampleDatabase

from engine.datalog import ResultColumn
from engine.relation import ColumnType
from facts.errors import QueryError
from queries.datalog import ask, check

ANSWERS: list[tuple[str, list[tuple[Any, ...]]]] = [
    # joins, constants and negation
    (
        "approves(P, R, multiple_myeloma), contains(R, pomalidomide), not needs(P, R, t_11_14)",
        [("A", "a1")],
    ),
    ("contains(R, pomalidomide)", [("a1",), ("b1",)]),
    ("approves(P, R, _), not contains(R, dexamethasone)", [("B", "b1")]),
    ("approves(P, R, _), not needs(P, R, _)", [("B", "b2")]),
    ("approves(P, _, _), not withdrawn(P)", [("A",), ("B",)]),
    ("withdrawn(P)", []),
    ("not withdrawn(P), approves(P, a1, _)", [("A",)]),
    ("approves(P, _, _), not needs(_, _, age)", []),
    # a query without variables says yes, by one row, or no
    ('approves("A", _, _)', [()]),
    ('not needs("B", _, age)', [()]),
    ('approves("A", _, al_amyloidosis)', []),
    # comparisons, both sides of a number and of a date
    ("authorizes(P, R, M), M >= 12", [("B", "b1", 12)]),
    ("authorizes(P, R, M), M > 12", []),
    ("authorizes(P, R, M), M > 11.99", [("B", "b1", 12)]),
    ("authorizes(P, R, M), M <= 2.5", [("B", "b2", Decimal("2.5"))]),
    ("authorizes(P, R, M), M < 2.5", []),
    ("authorizes(P, R, 6)", [("A", "a1"), ("A", "a2")]),
    ("authorizes(_, R, M), 6.00 = M", [("a1", 6), ("a2", 6)]),
    ("authorizes(_, R, M), M != 6", [("b1", 12), ("b2", Decimal("2.5"))]),
    ('version(P, S), S >= "2025-01-01"', [("A", "2025-01-01")]),
    ('version(P, S), S > "2025-01-01"', []),
    ('version(P, "2024-06-01")', [("B",)]),
    ("version(P, S), version(P, T), S < T", [("A", "2023-08-01", "2025-01-01")]),
    ("approves(P, R, _), P2 = P, Kind = route, R = a1", [("A", "a1", "A", "route")]),
    ("Drug = pomalidomide, contains(R, Drug)", [("pomalidomide", "a1"), ("pomalidomide", "b1")]),
    (
        'X = "2024-06-01", X = Y, Y = S, version(P, S)',
        [("2024-06-01", "2024-06-01", "2024-06-01", "B")],
    ),
    # quoted texts
    (r'remark("says \"no\"")', [()]),
    (r'remark(T), T = "back\\slash"', [("back\\slash",)]),
    ('remark("5")', [()]),
    ('remark("≥ 18")', [()]),
    ("remark(\"__import__('os')\")", [()]),
    # rules: union, negation of a rule, and one rule within another
    (
        "early(R) :- needs(_, R, age). early(R) :- contains(R, pomalidomide). early(R)",
        [("a1",), ("a2",), ("b1",)],
    ),
    ("checked(R) :- needs(_, R, _). ?- approves(P, R, _), not checked(R).", [("B", "b2")]),
    (
        "a(R) :- needs(_, R, age). b(R) :- approves(_, R, _), not a(R). c(R) :- b(R), not a(R). c(R)",
        [("b1",), ("b2",)],
    ),
    ("answer(R, P) :- approves(P, R, al_amyloidosis).", [("b2", "B")]),
    ("unused(X) :- withdrawn(X). contains(R, pomalidomide)", [("a1",), ("b1",)]),
    # aggregates: groups are what the head has besides
    ("answer(P, N) :- approves(P, R, _), N = count(R)", [("A", 2), ("B", 2)]),
    ("approves(P, R, _), contains(R, D), N = count(R, D)", [("A", 3), ("B", 2)]),
    ("contains(R, D), N = count(D)", [("a1", 2), ("a2", 1), ("b1", 1), ("b2", 1)]),
    ("contains(R, D), N = count(D), N > 1", [("a1", 2)]),
    ("many(R) :- contains(R, D), N = count(D), N >= 2. many(R)", [("a1",)]),
    ("withdrawn(P), N = count(P)", []),
    ("answer(N) :- contains(R, _), N = count(R)", [(4,)]),
    (
        "authorizes(P, _, M), Least = min(M), Most = max(M)",
        [("A", 6, 6), ("B", Decimal("2.5"), 12)],
    ),
    ("version(P, S), First = min(S)", [("A", "2023-08-01"), ("B", "2024-06-01")]),
    ("authorizes(P, R, M), T = sum(M for R)", [("A", 12), ("B", Decimal("14.5"))]),
    ("authorizes(P, _, M), T = sum(M for M)", [("A", 6), ("B", Decimal("14.5"))]),
    (
        "approves(P, R, _), L = list(R), N = count(R)",
        [("A", ("a1", "a2"), 2), ("B", ("b1", "b2"), 2)],
    ),
    (
        "held(P, N) :- approves(P, R, _), N = count(R). answer(N, T) :- held(P, N), T = list(P)",
        [(2, ("A", "B"))],
    ),
    (
        "drugs(R, N) :- contains(R, D), N = count(D). drugs(R, 2), approves(P, R, _)",
        [("a1", "A")],
    ),
    (
        "drugs(R, N) :- contains(R, D), N = count(D). drugs(R, N), drugs(S, M), N > M, R < S",
        [("a1", 2, "a2", 1), ("a1", 2, "b1", 1), ("a1", 2, "b2", 1)],
    ),
    (
        "size(R, N) :- contains(R, D), N = count(D). total(T) :- size(R, N), T = sum(N for R). total(T)",
        [(5,)],
    ),
    # order and limit: ties by all columns from the left
    (
        "authorizes(P, R, M) sort by M desc",
        [
            ("B", "b1", 12),
            ("A", "a1", 6),
            ("A", "a2", 6),
            ("B", "b2", Decimal("2.5")),
        ],
    ),
    ("authorizes(P, R, M) sort by M desc, R desc limit 2", [("B", "b1", 12), ("A", "a2", 6)]),
    ("authorizes(_, R, M) sort by M asc limit 1", [("b2", Decimal("2.5"))]),
    ("contains(R, pomalidomide) limit 1", [("a1",)]),
    ("contains(R, pomalidomide) limit 7.", [("a1",), ("b1",)]),
    ("% a remark\ncontains(R, % another: p(X).\n pomalidomide)", [("a1",), ("b1",)]),
]


@pytest.mark.parametrize(("text", "rows"), ANSWERS)
def test_a_query_means_what_is_worked_out_by_hand(
    text: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    answer = check(ExampleDatabase(), text)
    assert list(answer) == rows
    assert len(answer) == len(rows)


def test_columns_are_the_variables_in_their_order_with_their_types() -> None:
    answer = ask(
        ExampleDatabase(), "approves(P, R, _), authorizes(P, R, M), L = list(R), T = max(M)"
    )
    assert answer.names == ("P", "L", "T")
    assert answer.columns == (
        ResultColumn("P", ColumnType.TEXT, "policy"),
        ResultColumn("L", ColumnType.TEXT, "route", many=True),
        ResultColumn("T", ColumnType.NUMBER, None),
    )


def test_a_head_chooses_and_names_the_columns() -> None:
    answer = ask(
        ExampleDatabase(), "answer(Months, Route) :- authorizes(_, Route, Months), Months > 6"
    )
    assert answer.names == ("Months", "Route")
    assert answer.rows == ((12, "b1"),)


def test_a_number_is_written_in_one_way_however_it_is_stored() -> None:
    (row,) = ask(ExampleDatabase(), "authorizes(_, a2, M)").rows
    assert repr(row) == "(6,)"


def test_sums_are_exact_beyond_floats_and_32_bits() -> None:
    data = ROWS | {"authorizes": {("A", f"r{i}", Decimal("0.1")) for i in range(10)}}
    data["authorizes"] |= {("B", "x", 2**40), ("B", "y", Decimal("1e-20")), ("B", "z", -(2**35))}
    answer = check(ExampleDatabase(data), "authorizes(P, R, M), T = sum(M for R)")
    assert answer.rows == (("A", 1), ("B", Decimal("1065151889408.00000000000000000001")))


def test_parameters_are_values_and_never_text_of_the_query() -> None:
    text = "approves(P, R, $diagnosis), authorizes(P, R, M), M >= $months, version(P, S), S > $day"
    parameters = {"diagnosis": "multiple_myeloma", "months": "6.5", "day": "2024-01-01"}
    answer = check(ExampleDatabase(), text, parameters=parameters)
    assert answer.rows == (("B", "b1", 12, "2024-06-01"),)
    assert ask(ExampleDatabase(), text, parameters=parameters | {"months": 12}).rows == answer.rows
    hostile = 'x), remark(T), T = "'
    assert ask(ExampleDatabase(), "remark(T), T = $text", parameters={"text": hostile}).rows == ()


def test_rules_can_be_given_beside_a_query() -> None:
    rules = "young(R) :- contains(R, $drug), not needs(_, R, age)."
    answer = check(ExampleDatabase(), "young(R)", rules=rules, parameters={"drug": "pomalidomide"})
    assert answer.rows == (("b1",),)


def test_only_the_relations_that_are_used_are_asked_for() -> None:
    database = ExampleDatabase()
    ask(database, "unused(P) :- version(P, _). withdrawn(P)")
    assert database.asked == ["withdrawn"]


def test_rows_that_are_not_what_a_relation_declares_are_refused_without_showing_them() -> None:
    data = ROWS | {"authorizes": {("A", "a1", "patient 7")}}
    with pytest.raises(TypeError) as error:
        ask(ExampleDatabase(data), "authorizes(P, R, M)")
    assert "authorizes" in str(error.value)
    assert "patient 7" not in str(error.value)


def test_the_answer_is_the_same_under_every_hash_seed() -> None:
    root = Path(__file__).parents[3]
    program = (
        "from datalog_example import ExampleDatabase; from queries.datalog import ask;"
        "print(ask(ExampleDatabase(), 'approves(P, R, D), contains(R, X), L = list(X) sort by D').rows)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{root}:{root / 'tests' / 'oracle'}"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(outputs) == 1


def test_a_limit_is_of_the_sorted_rows_and_not_of_what_is_aggregated() -> None:
    with pytest.raises(QueryError, match="is not in the result"):
        ask(ExampleDatabase(), "approves(P, R, _), N = count(R) sort by R")
    assert ask(ExampleDatabase(), "contains(R, D), N = count(R) sort by N desc limit 1").rows == (
        ("dexamethasone", 3),
    )
