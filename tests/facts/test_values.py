"""Values of facts: what fits, what does not, and how that is said."""

from datetime import date
from decimal import Decimal, localcontext

import pytest

from facts.case import read_date
from facts.values import Bounds, Known, Members, OneOf, Truth, ValueProblemError, read_value
from facts.vocabulary import Changer, Fact, Kind

BOOLEAN = Fact("t_11_14", Kind.BOOLEAN, Changer.FIXED, "t(11;14)", "Found?")
AGE = Fact("age", Kind.NUMBER, Changer.FIXED, "Age", "How old?", "years", 0, 120)
DOSE = Fact("dose", Kind.NUMBER, Changer.PRESCRIBE, "Dose", "How much?", "mg", 0, 1000, 1)
STATE = Fact(
    "state",
    Kind.CHOICE,
    Changer.WAIT,
    "State",
    "Which?",
    options={"new": "", "old": "", "gone": ""},
)
DRUGS = Fact(
    "drugs", Kind.SET, Changer.PRESCRIBE, "Drugs", "Which?", options={"a": "", "b": "", "c": ""}
)


@pytest.mark.parametrize(
    ("fact", "raw", "known"),
    [
        (BOOLEAN, True, Truth(value=True)),
        (BOOLEAN, False, Truth(value=False)),
        (BOOLEAN, None, None),
        (AGE, 67, Bounds(67, 67)),
        (AGE, 67.0, Bounds(67, 67)),
        (AGE, Decimal(67), Bounds(67, 67)),
        (AGE, {"at_least": 18}, Bounds(18, 120)),
        (AGE, {"at_most": 17}, Bounds(0, 17)),
        (AGE, {"at_least": 18, "at_most": 18}, Bounds(18, 18)),
        (AGE, {"at_least": 18, "at_most": None}, Bounds(18, 120)),
        (AGE, {"at_least": None}, None),
        (AGE, {}, None),
        (DOSE, 2.3, Bounds(23, 23)),
        (DOSE, 4, Bounds(40, 40)),
        (DOSE, Decimal("0.1"), Bounds(1, 1)),
        (STATE, "new", OneOf(frozenset({"new"}))),
        (STATE, {"one_of": ["new", "old"]}, OneOf(frozenset({"new", "old"}))),
        (STATE, {"one_of": ["new", "old", "gone"]}, None),
        (STATE, {}, None),
        (DRUGS, ["a"], Members(frozenset("a"), frozenset("bc"))),
        (DRUGS, [], Members(frozenset(), frozenset("abc"))),
        (DRUGS, ("b", "a", "a"), Members(frozenset("ab"), frozenset("c"))),
        (DRUGS, {"includes": ["a"]}, Members(frozenset("a"), frozenset())),
        (DRUGS, {"excludes": ["a"]}, Members(frozenset(), frozenset("a"))),
        (DRUGS, {"includes": None, "excludes": []}, None),
    ],
)
def test_a_value_that_fits_is_read(fact: Fact, raw: object, known: Known | None) -> None:
    assert read_value(fact, raw) == known


@pytest.mark.parametrize(
    ("fact", "raw", "expected"),
    [
        (BOOLEAN, 1, "expected true or false, got a number"),
        (BOOLEAN, "yes", "expected true or false, got a text"),
        (AGE, True, "expected a number of years, got true or false"),
        (AGE, "67", "expected a number of years, got a text"),
        (AGE, [67], "expected a number of years, got a list"),
        (AGE, float("nan"), "expected a number of years"),
        (AGE, float("inf"), "expected a number of years"),
        (AGE, Decimal("1e999999"), "outside that range"),
        (AGE, 10**40, "outside that range"),
        (AGE, -1, "expected 0 to 120 years"),
        (AGE, 121, "expected 0 to 120 years"),
        (AGE, Decimal("17.99999999999999999999999999999"), "expected a whole number of years"),
        (AGE, Decimal("1e-9999999"), "expected a whole number of years"),
        (DOSE, Decimal("4.0000000000000000000000000000001"), "at most 1 decimal of mg"),
        (DRUGS, {"includes": False}, "expected a list of members, got true or false"),
        (DRUGS, {"excludes": ""}, "expected a list of members, got a text"),
        (AGE, 67.5, "expected a whole number of years"),
        (AGE, {"at_least": 18, "at_most": 17}, "at_least is above at_most"),
        (AGE, {"atleast": 18}, "did you mean 'at_least'?"),
        (AGE, {"at_least": "x"}, "expected a number of years, got a text"),
        (DOSE, 2.35, "at most 1 decimal of mg"),
        (DOSE, 100.1, "expected 0 to 100 mg"),
        (STATE, "nwe", "did you mean 'new'?"),
        (STATE, 3, "expected one of gone, new, old, got a number"),
        (STATE, {"one_of": []}, "lists no value"),
        (STATE, {"one_of": "new"}, "expected a list of values, got a text"),
        (STATE, {"one_of": ["new", 4]}, "value 2 of 2"),
        (DRUGS, "a", "expected a list of members"),
        (DRUGS, {"includes": "a"}, "expected a list of members, got a text"),
        (DRUGS, {"includes": ["a"], "excludes": ["a"]}, "both included and excluded: a"),
        (DRUGS, {"include": ["a"]}, "did you mean 'includes'?"),
        (DRUGS, ["a", ["b"]], "member 2 of 2"),
    ],
)
def test_a_value_that_does_not_fit_says_what_was_expected(
    fact: Fact, raw: object, expected: str
) -> None:
    with pytest.raises(ValueProblemError) as problem:
        read_value(fact, raw)
    assert expected in " ".join(map(str, problem.value.args))
    assert f"fact {fact.name!r}" in str(problem.value.args[0])


def test_an_error_never_repeats_the_value_given() -> None:
    for fact in (BOOLEAN, AGE, STATE):
        with pytest.raises(ValueProblemError) as problem:
            read_value(fact, "Jane Doe, 1950-01-01")
        assert "Jane" not in str(problem.value)
    with pytest.raises(ValueProblemError) as problem:
        read_value(DRUGS, ["Jane Doe"])
    assert "Jane" not in str(problem.value)


def test_dates_are_read_strictly() -> None:
    assert read_date("2025-09-15") == "2025-09-15"
    assert read_date(date(2025, 9, 15)) == "2025-09-15"
    assert read_date(None) == date.today().isoformat()
    for wrong in ("2025-9-15", "15.09.2025", "2025-02-30", "20250915", "2025-W01-1", ""):
        with pytest.raises(ValueError, match=r".*"):
            read_date(wrong)


def test_a_thousand_wrong_members_give_a_short_error() -> None:
    with pytest.raises(ValueProblemError) as problem:
        read_value(DRUGS, ["x"] * 100_000)
    assert len(problem.value.args) == 20


def test_an_integer_too_long_to_print_is_out_of_range() -> None:
    with pytest.raises(ValueProblemError, match="outside that range"):
        read_value(AGE, 10**5_000)


def test_numbers_are_read_alike_in_every_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 2
        assert read_value(DOSE, Decimal("99.9")) == Bounds(999, 999)


def test_a_number_of_another_library_is_read_as_the_number_it_is() -> None:
    class Float64(float):
        def __repr__(self) -> str:
            return f"np.float64({float(self)})"

    assert read_value(DOSE, Float64(2.3)) == Bounds(23, 23)
