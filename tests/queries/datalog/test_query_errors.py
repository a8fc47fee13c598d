"""What is said of queries that cannot be asked: where, why, and what may be meant."""

import pickle
from decimal import Decimal

import pytest
from datalog_example import ExampleDatabase

from facts.errors import QueryError
from queries.datalog import ask

UNBOUND = "no atom gives it values"

MESSAGES = [
    # names
    ("aproves(P, R, _)", "1:1: relation 'aproves' is unknown; did you mean 'approves'?"),
    ("approves(P, R)", "1:1: approves has 3 columns (policy, route, diagnosis), but 2 terms here"),
    ("withdrawn(P, _)", "1:1: withdrawn has 1 column (policy), but 2 terms here"),
    (
        "approves(P, R, multiple_mieloma)",
        "1:16: multiple_mieloma is no known diagnosis; did you mean 'multiple_myeloma'?",
    ),
    ('approves(P, R, "other")', "1:16: other is no known diagnosis"),
    (
        "approves(P, R, D), D != multiple_mieloma",
        "1:25: multiple_mieloma is no known diagnosis; did you mean 'multiple_myeloma'?",
    ),
    ("approves(P, R, _) sort by Q", "1:27: Q is not in the result (it has P, R)"),
    ("approves(P, R, _) sort by P, P", "1:30: P is sorted by already"),
    ("approves(P, $r, _)", "1:13: parameter $r has no value"),
    ("needs(P, R, _), old(P) limit 3", "1:17: relation 'old' is unknown"),
    ("needs(P, R, _) limit 3 sort by R", "1:24: sort by stands once, before limit, and limit once at the end"),
    ("needs(P, R, _) limt 3", "1:16: expected , or . or sort by or limit, found limt; did you mean 'limit'?"),
    ("needs(P, R, _), N = cuont(R)", "1:21: cuont is no aggregate; did you mean 'count'? (count, list, max, min, sum)"),
    # binding
    ("approves(P, _, _), not needs(P, R, _)", "1:33: R is not bound: an atom below not gives it no values; write _ for any value, or another atom with it"),
    ("approves(P, _, _), M > 3", f"1:20: M is not bound: it is compared, but {UNBOUND}"),
    ("approves(P, _, _), X = Y", f"1:20: X is not bound: it is compared, but {UNBOUND}"),
    ("a(X) :- approves(P, _, _). a(X)", "1:3: X is not bound: it is in the head, but nothing in the body gives it values"),
    ("approves(P, _, _), N = count(R)", f"1:30: R is not bound: it is aggregated, but {UNBOUND}"),
    # types
    ("contains(D, D)", "1:13: D cannot be a route (column route of contains) and a drug (column drug of contains): these never are equal"),
    ("authorizes(P, R, six)", "1:18: six is no number, but stands where there is a number (column months of authorizes)"),
    ('authorizes(P, R, "6")', '1:18: "6" is no number, but stands where there is a number (column months of authorizes)'),
    ("remark(5)", '1:8: 5 is no text, but stands where there is text (column text of remark); a text of digits is quoted: "5"'),
    ('version(P, "2025-02-29")', '1:12: "2025-02-29" is no date, but stands where there is a date (column since of version); a date is written like "2025-01-31"'),
    ("version(P, S), S > 2025", '1:20: 2025 is no date, but stands where there is a date (column since of version); a date is written like "2025-01-31"'),
    ("approves(P, R, _), P = R", "1:22: a policy (column policy of approves) and a route (column route of approves) are compared: they never are equal, and neither comes first"),
    ("authorizes(P, _, M), version(P, S), M < S", "1:39: a number (column months of authorizes) and a date (column since of version) are compared: they never are equal, and neither comes first"),
    ("contains(R, D), S = sum(D for R)", "1:25: a sum adds numbers, but D is a drug (column drug of contains)"),
    ("a(X) :- remark(X). a(X) :- authorizes(_, _, X). a(X)", "1:22: X is a number (column months of authorizes); in another rule of a it is text (column text of remark)"),
    # aggregates
    ("authorizes(P, R, M), S = sum(M)", "1:31: a sum says for what its values are added, as equal values count once: sum(M for R) adds M once for each R"),
    ("contains(R, D), N = min(R, D)", "1:26: min takes one variable"),
    ("contains(R, D), count(D) > 3", "1:26: an atom is not compared; an aggregate is named, as in N = count(R)"),
    ("contains(R, D), 3 = count(D)", "1:21: an aggregate names its result, as in N = count(R); compare N then"),
    ("contains(R, D), N > count(D)", "1:21: an aggregate names its result, as in N = count(R); compare N then"),
    ("contains(R, D), N = count(D), M = max(N)", "1:39: N is an aggregate, and these are not nested; use a rule for each"),
    ("contains(R, D), N = count(D), N = count(R)", "1:31: N is the result of an aggregate and has other values too; rename it"),
    ("authorizes(_, R, N), N = count(R)", "1:22: N is the result of an aggregate and has other values too; rename it"),
    ("a(R, N) :- contains(R, D), N = count(R). a(R, N)", "1:38: R is in the head, with a row for each; aggregate another variable"),
    ("a(R) :- authorizes(_, R, M), contains(R, D), N = count(D), N < M. a(R)", "1:64: M is compared with an aggregate, so it has to be in the head"),
    ("a(L) :- contains(_, D), L = list(D). a(L)", "1:38: column L of a is a list, and lists are for the result alone; use a rule without it"),
    ("contains(R, D), L = list(D), L > 3", "1:30: L is a list, and lists are not compared"),
    # rules
    ("a(X) :- b(X). b(X) :- a(X). a(X)", "1:9: a rests on itself (a -> b -> a); recursion is not part of the query language"),
    ("a(X) :- withdrawn(X), not a(X). a(X)", "1:27: a rests on itself (a -> a); recursion is not part of the query language"),
    ("a(X) :- b(X). a(X) :- withdrawn(X). b(X) :- c(X). c(X) :- a(X). b(X)", "rests on itself"),
    ("withdrawn(X) :- approves(X, _, _). withdrawn(X)", "1:1: withdrawn is a relation already; name the head otherwise"),
    ("a(X) :- remark(X). a(X, Y) :- contains(X, Y). a(X)", "1:20: another rule of a has 1 column, this one 2"),
    ("a(X, X) :- remark(X). a(X, _)", "1:6: X stands twice in the head; write another variable, and compare the two in the body"),
    ("a(b) :- remark(_). a(X)", "1:3: the head of a rule holds variables only; for a value, write K in it and K = value in the body"),
    ("not a(X) :- remark(X)", "1:1: the head of a rule is a relation with its variables"),
    ("remark(X). withdrawn(Y)", "1:12: the query ends here; rules stand before what is asked"),
    ("remark(X) limit 3. remark(Y)", "1:20: the query ends here; rules stand before what is asked"),
    # comparisons
    ("withdrawn(_), 1 < 2", "1:17: two values are compared; one side is a variable"),
    ("remark(X), X = _", "1:16: _ is any value, and is not compared"),
    ("remark(X), X == a", "1:14: == is not part of the query language; write ="),
    ("authorizes(_, _, M), M =< 3", "1:24: =< is not part of the query language; write <="),
    # limits
    ("remark(X) limit 0", "1:17: a limit is a whole number from 1 to 1,000,000,000"),
    ("remark(X) limit 2.5", "1:17: expected a whole number from 1, found 2.5"),
    ("remark(X) sort X", "1:16: expected by after sort, found X"),
    ("", "1:1: expected an atom or a comparison, found the end"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MESSAGES)
def test_an_error_says_where_why_and_what_may_be_meant(text: str, message: str) -> None:
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), text)
    assert message in str(error.value)
    for problem in error.value.problems:
        assert problem.source == "query"
        assert problem.line == 1


def test_the_place_is_shown_below_its_line() -> None:
    text = "% which routes\napproves(P, R, _),\n  contians(R, pomalidomide)"
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), text, source="routes.dl")
    assert str(error.value) == (
        "routes.dl:3:3: relation 'contians' is unknown; did you mean 'contains'?\n"
        "      contians(R, pomalidomide)\n"
        "      ^^^^^^^^"
    )


def test_all_problems_are_told_at_once_in_the_order_of_their_places() -> None:
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), "aproves(P), authorizes(_, _, six), M > 3, contains(D, D) sort by Z")
    assert [problem.column for problem in error.value.problems] == [1, 30, 36, 55, 66]


def test_a_problem_in_each_of_several_statements_is_told() -> None:
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), "a(X) :- remark(X.\nb(X) : remark(X).\nremark(")
    assert [problem.line for problem in error.value.problems] == [2]  # signs come before grammar
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), "a(X) :- remark(X.\nb(X) :- .\nremark(")
    assert [problem.line for problem in error.value.problems] == [1, 2, 3]


def test_a_long_line_is_shown_around_the_place() -> None:
    text = ", ".join(["remark(T)"] * 60 + ["remarc(T)"])
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), text)
    line, shown, marks = str(error.value).splitlines()
    assert "relation 'remarc' is unknown" in line
    assert len(shown) < 130
    assert shown[marks.index("^") : marks.rindex("^") + 1] == "remarc"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("six", "$m: six is no number"),
        (6.5, "$m: give a number with decimals as text or as a Decimal, not as a float"),
        (True, "$m: True is no number"),
        (None, "$m: None is no number"),
        (["6"], "$m: "),
        (Decimal("NaN"), "$m: NaN is no number"),
        ("1e400", "$m: "),
        ("٣", "$m: "),
    ],
)
def test_a_parameter_that_does_not_fit_its_column_is_refused(value: object, message: str) -> None:
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), "authorizes(P, R, $m)", parameters={"m": value})
    assert message in str(error.value)


def test_parameters_that_the_query_has_not_are_refused() -> None:
    with pytest.raises(QueryError, match=r"there is no parameter \$drugs; did you mean 'drug'\?"):
        ask(
            ExampleDatabase(),
            "contains(R, $drug)",
            parameters={"drugs": "x", "drug": "pomalidomide"},
        )


def test_a_text_for_a_text_parameter_is_not_read_as_a_number() -> None:
    assert len(ask(ExampleDatabase(), "remark($t)", parameters={"t": "5"})) == 1
    with pytest.raises(QueryError, match=r"\$t: 5 is no text"):
        ask(ExampleDatabase(), "remark($t)", parameters={"t": 5})


def test_rules_given_beside_hold_no_query() -> None:
    with pytest.raises(QueryError, match="rules:1:10: expected :- after the head of a rule"):
        ask(ExampleDatabase(), "remark(X)", rules="remark(X).")
    with pytest.raises(QueryError, match="rules:1:1: only rules stand here, and no query"):
        ask(ExampleDatabase(), "remark(X)", rules="?- remark(X).")


def test_an_error_can_be_sent_between_processes() -> None:
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), "aproves(P)")
    again = pickle.loads(pickle.dumps(error.value))  # noqa: S301  # our own
    assert str(again) == str(error.value)
    assert again.problems == error.value.problems
