"""clingo answers a checked query, whatever its values are."""

from decimal import Decimal

import pytest

from engine.datalog import (
    Aggregate,
    Anything,
    Atom,
    Comparison,
    Constant,
    Function,
    Operator,
    Query,
    Rule,
    Variable,
)
from engine.deduction import deduce
from engine.relation import Row

Rows = dict[str, list[Row]]

X, Y, N = Variable("X"), Variable("Y"), Variable("N")


def test_values_compare_as_values_and_not_as_text_or_by_length() -> None:
    rule = Rule("asked", (X,), (Atom("r", (X,)), Comparison(X, Operator.LESS, Constant(10))))
    rows: Rows = {"r": [(9,), (10,), (Decimal("9.99"),), (-(2**40),), (2**40,)]}
    assert deduce(Query((rule,), ()), rows) == {(9,), (Decimal("9.99"),), (-(2**40),)}
    rule = Rule("asked", (X,), (Atom("r", (X,)), Comparison(X, Operator.AT_MOST, Constant("b"))))
    rows_of_text: Rows = {"r": [("a",), ("aa",), ("b",), ("ba",), ("B",), ("é",)]}
    assert deduce(Query((rule,), ()), rows_of_text) == {("a",), ("aa",), ("b",), ("B",)}


@pytest.mark.parametrize("text", ['"', "\\", "\0", "#include", "p0(1).", "\n", "", "é", "not"])
def test_no_text_is_more_than_a_value(text: str) -> None:
    rule = Rule("asked", (X,), (Atom("r", (X, Constant(text))),))
    rows: Rows = {"r": [(1, text), (2, "other")]}
    assert deduce(Query((rule,), ()), rows) == {(1,)}


def test_names_are_never_clingos() -> None:
    strange = Variable("p0(1). not")
    rule = Rule(
        "#show", (strange,), (Atom("a b", (strange,)), Atom("not", (strange,), negated=True))
    )
    assert deduce(Query((rule,), ()), {"a b": [(1,), (2,)], "not": [(2,)]}) == {(1,)}


def test_sums_are_exact_beyond_32_bits_and_add_equal_values_once_for_each_tuple() -> None:
    rule = Rule("asked", (N,), (Atom("r", (X, Y)),), (Aggregate(N, Function.SUM, (Y, X)),))
    rows: Rows = {"r": [(1, 2**31), (2, 2**31), (3, Decimal("0.1")), (4, Decimal("0.2"))]}
    assert deduce(Query((rule,), ()), rows) == {(Decimal("4294967296.3"),)}


def test_aggregates_of_a_relation_are_values_of_the_rules_that_use_it() -> None:
    counted = Rule("counted", (X, N), (Atom("r", (X, Y)),), (Aggregate(N, Function.COUNT, (Y,)),))
    asked = Rule("asked", (X,), (Atom("counted", (X, Constant(2))),))
    rows: Rows = {"r": [("a", 1), ("a", Decimal("1.0")), ("a", 3), ("b", 1)]}
    assert deduce(Query((counted, asked), ()), rows) == {("a",)}


def test_a_group_that_is_never_given_has_no_row() -> None:
    rule = Rule("asked", (N,), (Atom("r", (X,)),), (Aggregate(N, Function.COUNT, (X,)),))
    assert deduce(Query((rule,), ()), {"r": []}) == frozenset()


def test_anything_below_a_negation_is_no_row_at_all() -> None:
    rule = Rule("asked", (X,), (Atom("r", (X,)), Atom("s", (X, Anything()), negated=True)))
    assert deduce(Query((rule,), ()), {"r": [(1,), (2,)], "s": [(1, 5)]}) == {(2,)}
