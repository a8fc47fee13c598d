"""Derived facts against tables worked out by hand: both sides of every figure, in every unit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from engine.derived import Derivation
from facts.records import read_records
from facts.values import Members
from policygrounds import KnowledgeBase

ON = "2025-09-15"
Derive = Callable[..., Derivation]


@pytest.fixture(scope="module")
def derive(kb: KnowledgeBase) -> Derive:
    deriver = kb._library.deriver

    def derive(on: str = ON, known: Mapping[str, Any] | None = None, **raw: object) -> Derivation:
        records, problems = read_records(raw, deriver.words)
        assert problems == []
        return deriver.derive(records, known or {}, on=on, drug="ixazomib")

    return derive


def stated(found: Derivation) -> dict[str, object]:
    assert not found.problems
    assert not found.conflicts
    return {fact.fact: fact.stated for fact in found.facts}


def problems(found: Derivation) -> list[tuple[str, str]]:
    return [(problem.record, problem.field) for problem in found.problems]


# The patient


@pytest.mark.parametrize(
    ("birth", "on", "age"),
    [
        ("2007-09-15", ON, 18),
        ("2007-09-16", ON, 17),
        ("2007-09", ON, {"at_least": 17, "at_most": 18}),
        ("2007-08", ON, 18),
        ("2007", ON, {"at_least": 17, "at_most": 18}),
        ("2006", ON, {"at_least": 18, "at_most": 19}),
        ("2004-02-29", "2022-02-28", 17),
        ("2004-02-29", "2022-03-01", 18),
        ("2004-02-29", "2024-02-28", 19),
        ("2004-02-29", "2024-02-29", 20),
    ],
)
def test_the_age_is_the_completed_years(derive: Derive, birth: str, on: str, age: object) -> None:
    assert stated(derive(on, birth_date=birth))["age"] == age


def test_a_birth_date_after_the_request_or_long_ago_is_a_problem(derive: Derive) -> None:
    assert problems(derive(birth_date="2026-01-01")) == [("patient", "birth_date")]
    assert problems(derive(birth_date="1890")) == [("patient", "birth_date")]


@pytest.mark.parametrize(
    ("tests", "found"),
    [
        ([("fish", "present")], True),
        ([("fish", "absent")], False),
        ([("karyotype", "present")], True),
        ([("karyotype", "absent")], None),
        ([("sequencing", "absent")], None),
        ([("fish", "inconclusive")], None),
        ([("karyotype", "absent"), ("fish", "present")], True),
    ],
)
def test_only_fish_shows_that_the_translocation_is_absent(
    derive: Derive, tests: Sequence[tuple[str, str]], *, found: bool | None
) -> None:
    records = [{"finding": "t(11;14)", "method": how, "result": what} for how, what in tests]
    assert stated(derive(cytogenetics=records)).get("t_11_14") is found


def test_tests_by_one_method_that_disagree_are_left_out(derive: Derive) -> None:
    found = derive(
        cytogenetics=[
            {"finding": "t(11;14)", "method": "fish", "result": result}
            for result in ("present", "absent")
        ]
    )
    assert problems(found) == [("cytogenetics 1", "result"), ("cytogenetics 2", "result")]
    assert not found.facts


def test_tests_by_two_methods_that_disagree_contradict_each_other(derive: Derive) -> None:
    found = derive(
        cytogenetics=[
            {"finding": "t(11;14)", "method": "sequencing", "result": "present"},
            {"finding": "t(11;14)", "method": "fish", "result": "absent"},
        ]
    )
    ((fact, message),) = [(conflict.fact, conflict.message) for conflict in found.conflicts]
    assert fact == "t_11_14"
    assert "cytogenetics 1, cytogenetics 2" in message


# Therapies


def line(number: int | None, *drugs: str, **fields: object) -> dict[str, object]:
    return {"line": number, "drugs": list(drugs), **fields}


FIRST = line(1, "bortezomib", "dexamethasone", start="2021-01-04", end="2021-08-02")
SECOND = line(2, "daratumumab", "lenalidomide", start="2022-03-01", end="2025-06-30")


@pytest.mark.parametrize(
    ("therapies", "complete", "lines"),
    [
        ([], True, 0),
        ([], False, None),
        ([FIRST], True, 1),
        ([FIRST], False, {"at_least": 1}),
        ([FIRST, SECOND], True, 2),
        ([SECOND], False, {"at_least": 2}),
        ([FIRST, {**SECOND, "end": "ongoing", "progression": "none"}], False, 1),
        ([FIRST, {**SECOND, "end": "ongoing"}], True, {"at_least": 1, "at_most": 2}),
        ([FIRST, {**SECOND, "end": None}], True, {"at_least": 1, "at_most": 2}),
        ([FIRST, {**SECOND, "end": "ongoing", "progression": "2025-08"}], True, 2),
        ([FIRST, {**SECOND, "end": None, "stop_reason": "toxicity"}], True, 2),
        ([{**FIRST, "line": None}, {**SECOND, "line": None}], True, {"at_least": 1, "at_most": 2}),
        ([{**FIRST, "line": None, "progression": "2022-02"}, {**SECOND, "line": None}], True, 2),
        ([FIRST, line(1, "lenalidomide", start="2021-09-01", end="2022-01-01")], True, 1),
    ],
)
def test_completed_lines_are_counted(
    derive: Derive, therapies: list[dict[str, object]], *, complete: bool, lines: object
) -> None:
    found = derive(therapies=therapies, complete=["therapies"] if complete else [])
    assert stated(found).get("prior_lines") == lines


def test_prior_drugs_of_an_incomplete_list_leave_the_others_open(derive: Derive) -> None:
    prior = stated(derive(therapies=[FIRST, {**SECOND, "end": "ongoing"}]))["prior_drugs"]
    assert prior == {"includes": ["bortezomib", "dexamethasone"], "excludes": []}


def test_prior_drugs_of_a_complete_list_are_whole(derive: Derive) -> None:
    therapies = [FIRST, {**SECOND, "end": "ongoing", "progression": "none"}]
    found = stated(derive(therapies=therapies, complete=["therapies"]))
    assert found["prior_drugs"] == ["bortezomib", "dexamethasone"]


def test_drugs_are_known_by_brand_and_code(derive: Derive) -> None:
    therapies = [line(1, "Velcade", "Revlimid", "358258", end="2021-08-02")]
    prior = stated(derive(therapies=therapies, complete=["therapies"]))["prior_drugs"]
    assert prior == ["bortezomib", "lenalidomide"]


@pytest.mark.parametrize(
    ("fields", "refractory"),
    [
        ({"end": "2025-06-01", "progression": "2025-07-31"}, True),
        ({"end": "2025-06-01", "progression": "2025-08-01"}, False),
        ({"end": "2025-06-01", "progression": "2025-05-01"}, True),
        ({"end": "2025-06", "progression": "2025-07-31"}, True),
        ({"end": "2025-06", "progression": "2025-08-01"}, None),
        ({"end": "2025-06", "progression": "2025-08-30"}, False),
        ({"end": "2025-06-01", "progression": "2025-08"}, False),
        ({"end": "2025-06-02", "progression": "2025-08"}, None),
        ({"end": "ongoing", "progression": "2025-08"}, True),
        ({"end": None, "progression": "2025-08"}, None),
        ({"end": None, "stop_reason": "progression"}, True),
        ({"end": "2025-06-01", "progression": "none"}, False),
        ({"end": "2025-06-01"}, None),
        ({"end": "2025-06-01", "best_response": "stable"}, True),
        ({"end": "2025-06-01", "best_response": "minimal", "progression": "none"}, False),
        ({"end": "2025-06-01", "best_response": None, "progression": "none"}, None),
        ({"end": "ongoing", "best_response": "stable", "progression": "none"}, None),
        ({"end": "2025-06-01", "best_response": "stable", "phase": "maintenance"}, None),
        ({"end": "2025-06-01", "best_response": "stable", "phase": "induction"}, True),
        ({"end": "2025-06-01", "best_response": "progressive", "phase": "maintenance"}, True),
    ],
)
def test_disease_is_refractory_within_60_days_or_without_a_response(
    derive: Derive, fields: Mapping[str, object], *, refractory: bool | None
) -> None:
    therapy = line(
        1, "lenalidomide", **{"start": "2024-01-01", "best_response": "partial", **fields}
    )
    (found,) = [
        fact.value
        for fact in derive(therapies=[therapy], complete=["therapies"]).facts
        if fact.fact == "refractory_to"
    ]
    assert isinstance(found, Members)
    assert ("lenalidomide" in found.includes, "lenalidomide" in found.excludes) == (
        refractory is True,
        refractory is False,
    )


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"end": "2025-06-01", "progression": "2025-07-31"}, 60),
        ({"end": "2025-06-01", "progression": "2025-08-01"}, 61),
        ({"end": "2025-06-01", "progression": "2025-05-01"}, 0),
        ({"end": "2025-06", "progression": "2025-07-31"}, {"at_least": 31, "at_most": 60}),
        ({"end": "2024-02", "progression": "2024-03-01"}, {"at_least": 1, "at_most": 29}),
        ({"end": "2025-06", "progression": "2025-06"}, {"at_most": 29}),
        ({"end": "ongoing", "progression": "2025-08"}, 0),
        ({"end": "2025-06-01", "progression": "none"}, 36500),
        ({"end": "2025-06-01"}, None),
        ({"end": None, "stop_reason": "progression"}, 0),
        # Stopped for a progression that is dated later: it may have been on the therapy.
        (
            {"end": "2025-05-01", "stop_reason": "progression", "progression": "2025-08-01"},
            {"at_most": 92},
        ),
    ],
)
def test_days_to_progression_are_counted_from_the_end_of_the_last_therapy(
    derive: Derive, fields: Mapping[str, object], days: object
) -> None:
    therapies = [FIRST, line(2, "lenalidomide", start="2024-01-01", **fields)]
    found = stated(derive(therapies=therapies, complete=["therapies"]))
    assert found.get("days_to_progression") == days


def test_the_drug_asked_for_that_is_taken_now_is_no_completed_therapy(derive: Derive) -> None:
    now = line(3, "ixazomib", start="2025-08-01", end="ongoing")
    before = [FIRST, {**SECOND, "progression": "2025-07-15"}]

    def days(progression: str) -> object:
        found = derive(
            therapies=[*before, {**now, "progression": progression}], complete=["therapies"]
        )
        return stated(found).get("days_to_progression")

    assert days("none") is None
    assert days("2025-09-01") == 0
    now["end"] = None
    assert days("none") is None
    now["stop_reason"] = "toxicity"
    assert days("none") == 36500


def test_no_progression_of_the_last_therapy_is_not_taken_from_records_that_show_one(
    derive: Derive,
) -> None:
    parts = [
        line(1, "bortezomib", start="2024-01-01", end="2024-06-01", progression="2025-03-01"),
        line(1, "lenalidomide", start="2024-07-01", end="2025-02-01", progression="none"),
    ]
    found = stated(derive(therapies=parts, complete=["therapies"]))
    assert "days_to_progression" not in found


def test_a_line_that_goes_on_has_not_failed_for_a_part_without_a_response(derive: Derive) -> None:
    parts = [
        line(1, "bortezomib", start="2025-01-01", end="2025-03-01", best_response="stable"),
        line(1, "lenalidomide", start="2025-03-01", end="ongoing", progression="none"),
    ]
    found = {
        fact.fact: fact.value for fact in derive(therapies=parts, complete=["therapies"]).facts
    }
    refractory = found["refractory_to"]
    assert isinstance(refractory, Members)
    assert not refractory.includes


def test_an_incomplete_list_does_not_show_which_therapy_was_the_last(derive: Derive) -> None:
    therapy = {**FIRST, "progression": "2021-09-01"}
    assert "days_to_progression" not in stated(derive(therapies=[therapy]))


@pytest.mark.parametrize(
    ("end", "progression", "months"),
    [
        ("2023-08-15", "2024-02-14", 5.9),
        ("2023-08-15", "2024-02-15", 6),
        ("2023-08-15", "2024-02-16", 6.1),
        ("2023-08-31", "2024-02-28", 5.9),
        ("2023-08-31", "2024-02-29", 6),
        ("2022-08-31", "2023-02-28", 6),
        ("2023-08-15", "2023-08-01", 0),
        ("2023-08", "2024-02-29", {"at_least": 6, "at_most": 6.9}),
        ("2023-08", "2024-02", {"at_least": 5.1, "at_most": 6.9}),
    ],
)
def test_months_since_induction_reach_a_month_on_its_day(
    derive: Derive, end: str, progression: str, months: object
) -> None:
    therapy = line(1, "bortezomib", phase="induction", end=end, progression=progression)
    found = stated(derive(therapies=[{**therapy, "start": "2022-01"}]))
    assert found["months_since_induction"] == months


@pytest.mark.parametrize(
    ("regimen", "same"),
    [
        (["ixazomib", "dexamethasone"], True),
        (["dexamethasone"], True),
        (["ixazomib", "dexamethasone", "lenalidomide"], False),
        ([], False),
        ({"includes": ["dexamethasone"]}, None),
        ({"includes": ["lenalidomide"]}, False),
        ({"excludes": ["dexamethasone"]}, False),
    ],
)
def test_the_regimen_is_compared_with_that_of_induction(
    kb: KnowledgeBase, derive: Derive, regimen: Any, *, same: bool | None
) -> None:
    if isinstance(regimen, list):
        drugs = frozenset(regimen)
        known = Members(drugs, frozenset(kb.vocabulary.drugs) - drugs)
    else:
        known = Members(
            frozenset(regimen.get("includes", ())), frozenset(regimen.get("excludes", ()))
        )
    therapy = line(1, "ixazomib", "dexamethasone", phase="induction", end="2021-08")
    found = stated(derive(known={"regimen": known}, therapies=[therapy]))
    assert found.get("same_regimen_as_induction") is same


# Records that cannot be so


@pytest.mark.parametrize(
    ("therapies", "expected"),
    [
        ([{**FIRST, "end": "2021-01-03"}], [("therapies 1", "end")]),
        ([{**FIRST, "end": "2021-01-04"}], []),
        ([{**FIRST, "end": "2021"}], []),
        ([{**FIRST, "progression": "2021-01-03"}], [("therapies 1", "progression")]),
        ([{**FIRST, "end": "2025-09-16"}], [("therapies 1", "end")]),
        ([{**FIRST, "end": "2025-09"}], []),
        (
            [{**FIRST, "end": "ongoing", "stop_reason": "toxicity"}],
            [("therapies 1", "stop_reason")],
        ),
        (
            [FIRST, line(1, "lenalidomide", start="2021-08-01")],
            [("therapies 1", "line"), ("therapies 2", "line")],
        ),
        ([FIRST, line(1, "lenalidomide", start="2021-08-02")], []),
        ([FIRST, line(1, "lenalidomide", start="2021-08")], []),
        ([FIRST, line(2, "lenalidomide", start="2021-01-03")], [("therapies 2", "line")]),
        ([{**FIRST, "end": "ongoing"}, SECOND], [("therapies 1", "end")]),
        (
            [{**FIRST, "progression": "2021-09-01"}, line(1, "lenalidomide", start="2021-10-01")],
            [("therapies 2", "line")],
        ),
        (
            [
                {**FIRST, "stop_reason": "progression"},
                line(1, "lenalidomide", end="ongoing", progression="none"),
            ],
            [("therapies 2", "end")],
        ),
        ([{**FIRST, "end": None, "progression": "9999"}], [("therapies 1", "progression")]),
    ],
)
def test_records_that_cannot_be_so_are_named_with_their_field(
    derive: Derive, therapies: list[dict[str, object]], expected: list[tuple[str, str]]
) -> None:
    assert sorted(set(problems(derive(therapies=therapies)))) == expected


def test_what_cannot_be_so_is_left_out_and_its_list_is_not_complete(derive: Derive) -> None:
    found = derive(therapies=[FIRST, {**SECOND, "end": "2021"}], complete=["therapies"])
    lines = {fact.fact: fact.stated for fact in found.facts}["prior_lines"]
    assert lines == {"at_least": 1}


def test_a_line_may_go_on_in_a_therapy_that_was_left_out(derive: Derive) -> None:
    def lines(of_left_out: int | None) -> object:
        left_out = line(of_left_out, "lenalidomide", start="2021-09-01", end="2021-08-15")
        second = {**SECOND, "progression": "2025-07-15"}
        found = derive(therapies=[FIRST, second, left_out], complete=["therapies"])
        assert problems(found) == [("therapies 3", "end")]
        return {fact.fact: fact.stated for fact in found.facts}["prior_lines"]

    assert lines(1) == {"at_least": 2}
    assert lines(2) == {"at_least": 1}
    assert lines(None) == {"at_least": 1}


@pytest.mark.parametrize(("of_left_out", "known"), [(1, False), (2, True), (None, False)])
def test_induction_may_have_had_a_part_that_was_left_out(
    derive: Derive, of_left_out: int | None, *, known: bool
) -> None:
    induction = line(1, "bortezomib", phase="induction", start="2021-01", end="2021-08-02")
    left_out = line(of_left_out, "lenalidomide", start="2022-09-01", end="2021-08-15")
    found = derive(
        known={"regimen": Members(frozenset(["lenalidomide"]), frozenset())},
        therapies=[{**induction, "progression": "2022-08-02"}, left_out],
    )
    names = {fact.fact for fact in found.facts}
    assert ("months_since_induction" in names) is known
    assert ("same_regimen_as_induction" in names) is known


def test_a_complete_list_without_an_earlier_line_is_not_complete(derive: Derive) -> None:
    found = derive(therapies=[SECOND], complete=["therapies"])
    assert problems(found) == [("therapies", "complete")]
    assert {fact.fact: fact.stated for fact in found.facts}["prior_lines"] == {"at_least": 2}


def test_what_is_derived_names_its_records_rules_and_sources(derive: Derive) -> None:
    (found,) = [fact for fact in derive(therapies=[FIRST]).facts if fact.fact == "prior_lines"]
    assert found.records == ("therapies 1",)
    ((rule,),) = [found.rules]
    assert rule.name == "completed_lines"
    assert [(source.document, source.section) for source in rule.sources] == [
        ("IMWG response criteria", "Line of therapy")
    ]


# Prescriptions


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dose_days": [1, 8, 15], "cycle_days": 28}, (4, 3, 28)),
        ({"dose_days": [1, 8, 15, 22], "cycle_days": 28}, (4, 4, 28)),
        ({"dose_days": [1, 4, 8, 11], "cycle_days": 21}, (8, 2, 21)),
        ({"dose_days": [7, 8]}, (4, 2, None)),
        ({"dose_days": [1, 7]}, (8, 1, None)),
        # A cycle of three days comes more than twice a week.
        ({"dose_days": [1], "cycle_days": 3}, ({"at_least": 4}, 1, 3)),
        ({"dose_days": [1, 8], "cycle_days": 10}, ({"at_least": 4}, 2, 10)),
        ({"doses_per_cycle": 1, "cycle_days": 3}, ({"at_least": 4}, 1, 3)),
        (
            {"doses_per_cycle": 3, "cycle_days": 28},
            ({"at_least": 4, "at_most": 12}, {"at_least": 1, "at_most": 3}, 28),
        ),
        (
            {"doses_per_cycle": 5, "cycle_days": 28},
            ({"at_least": 8, "at_most": 20}, {"at_least": 1, "at_most": 4}, 28),
        ),
        ({"doses_per_cycle": 1, "cycle_days": 28}, (4, 1, 28)),
        ({"strength_mg": 2.3, "dose_days": [1]}, (2.3, 1, None)),
        ({"strength_mg": 2.35, "dose_days": [1]}, ({"at_least": 2.3, "at_most": 2.4}, 1, None)),
        ({"strength_mg": None, "dose_days": [1]}, (None, 1, None)),
    ],
)
def test_the_dose_is_that_of_the_week_with_most(
    derive: Derive, fields: Mapping[str, object], expected: tuple[object, ...]
) -> None:
    asked = {"drug": "ixazomib", "requested": True, "strength_mg": 4, "capsules_per_dose": 1}
    found = stated(derive(prescriptions=[{**asked, **fields}]))
    dose = tuple(found.get(name) for name in ("weekly_dose_mg", "dosing_weeks", "cycle_days"))
    assert dose == expected


def test_a_dose_that_is_not_requested_is_none_of_the_request(derive: Derive) -> None:
    other = {"strength_mg": 4, "capsules_per_dose": 1, "dose_days": [1], "cycle_days": 28}
    assert stated(derive(prescriptions=[{"drug": "ixazomib", **other}])) == {}
    asked = {"drug": "lenalidomide", "requested": True, **other}
    assert stated(derive(prescriptions=[asked])) == {}


def test_two_requested_prescriptions_are_a_problem(derive: Derive) -> None:
    asked = {"drug": "ixazomib", "requested": True, "cycle_days": 28}
    found = derive(prescriptions=[asked, asked])
    assert problems(found) == [("prescriptions 1", "requested"), ("prescriptions 2", "requested")]


def fill(day: str, supply: int | None = 28, *, paid: bool | None = True) -> dict[str, object]:
    return {"drug": "ixazomib", "filled": day, "days_supply": supply, "paid_by_plan": paid}


@pytest.mark.parametrize(
    ("fills", "complete", "expected"),
    [
        # 28 days from 19 August last to 15 September; from 18 August to the day before.
        ([fill("2025-08-19")], False, (True, True, {"at_least": 27})),
        ([fill("2025-08-18")], False, (None, None, {"at_least": 28})),
        ([fill("2025-08-19", paid=False)], False, (True, None, {"at_least": 27})),
        ([fill("2025-08-19", paid=False)], True, (True, False, {"at_least": 27})),
        ([fill("2025-08")], False, (None, None, {"at_least": 15})),
        ([fill("2025-07-21"), fill("2025-08-18")], False, (None, None, {"at_least": 56})),
        ([fill("2025-07-21"), fill("2025-08-20")], False, (True, True, {"at_least": 54})),
        # Two fills on one day last one after the other: 42 of 56 days have passed.
        ([fill("2025-08-04"), fill("2025-08-04")], False, (None, None, {"at_least": 42})),
        (
            [fill("2025-08-20"), fill("2025-08-21", paid=False)],
            True,
            (True, None, {"at_least": 26}),
        ),
    ],
)
def test_supplies_show_how_long_and_on_whose_account_the_drug_is_taken(
    derive: Derive,
    fills: list[dict[str, object]],
    *,
    complete: bool,
    expected: tuple[object, ...],
) -> None:
    found = stated(derive(prescriptions=fills, complete=["prescriptions"] if complete else []))
    names = ("currently_receiving", "paid_by_plan", "days_on_drug")
    assert tuple(found.get(name) for name in names) == expected


@pytest.mark.parametrize(
    ("end", "received"), [("2025-08-18", True), ("2025-08-19", None), ("2025-09-01", None)]
)
def test_a_supply_does_not_outlast_the_therapy(
    derive: Derive, end: str, *, received: bool | None
) -> None:
    therapy = line(2, "ixazomib", start="2025-01-01", end=end)
    found = stated(
        derive(
            therapies=[FIRST, therapy], prescriptions=[fill("2025-08-19")], complete=["therapies"]
        )
    )
    assert found.get("currently_receiving") is received
    assert ("days_on_drug" in found) is (received is True)


def test_a_fill_without_its_days_may_last_to_the_request(derive: Derive) -> None:
    found = stated(
        derive(therapies=[FIRST], prescriptions=[fill("2025-08-19", None)], complete=["therapies"])
    )
    assert "currently_receiving" not in found


def test_progression_on_an_earlier_course_is_none_of_the_present_one(derive: Derive) -> None:
    before = line(1, "ixazomib", start="2021-01-01", end="2021-08-01", stop_reason="progression")
    now = line(2, "ixazomib", start="2025-01-01", end="ongoing", progression="none")
    assert "progression" not in stated(derive(therapies=[before, now], complete=["therapies"]))
    assert stated(derive(therapies=[before], complete=["therapies"]))["progression"] is True


@pytest.mark.parametrize(
    ("therapies", "expected"),
    [
        ([line(2, "ixazomib", start="2025-08-16", end="ongoing")], (True, 30, None)),
        ([line(2, "ixazomib", start="2025-08-17", end="ongoing")], (True, 29, None)),
        (
            [line(2, "ixazomib", start="2025-08", end="ongoing", progression="none")],
            (True, {"at_least": 15, "at_most": 45}, False),
        ),
        (
            [line(2, "ixazomib", start="2025-08-16", end="ongoing", progression="2025-09")],
            (True, 30, True),
        ),
        ([line(2, "ixazomib", start="2025-08-16", end="2025-09-01")], (False, None, None)),
        ([line(2, "ixazomib", start="2025-08-16")], (None, None, None)),
    ],
)
def test_a_therapy_shows_whether_the_drug_is_taken_how_long_and_how_it_went(
    derive: Derive, therapies: list[dict[str, object]], expected: tuple[object, ...]
) -> None:
    found = stated(derive(therapies=[FIRST, *therapies], complete=["therapies"]))
    names = ("currently_receiving", "days_on_drug", "progression")
    assert tuple(found.get(name) for name in names) == expected


# Response and progression

COURSE = {
    "line": 2,
    "drugs": ["ixazomib", "dexamethasone"],
    "start": "2025-01-01",
    "end": "ongoing",
}
DAYS = ("2024-12-20", "2025-02-01", "2025-04-01", "2025-06-01", "2025-08-01")


def series(measurement: str, unit: str, *values: object) -> list[dict[str, object]]:
    """Return results of a measurement, the first of them before the course."""
    return [
        {"measurement": measurement, "value": value, "unit": unit, "date": day}
        for value, day in zip(values, DAYS, strict=False)
    ]


def progression(derive: Derive, *results: list[dict[str, object]]) -> object:
    laboratory = [result for some in results for result in some]
    found = stated(derive(therapies=[COURSE], laboratory=laboratory, complete=["laboratory"]))
    assert (found.get("response") == "progressive") is (found.get("progression") is True)
    return found.get("progression")


@pytest.mark.parametrize(
    ("unit", "factor"), [("g/dL", 1), ("g/L", 10), ("mg/dL", 1_000), ("mg/L", 10_000)]
)
@pytest.mark.parametrize(
    ("values", "progressed"),
    [
        ((1.0, 1.5, 1.5), True),  # by 0.5 g/dL and 50 %
        ((1.0, 1.499, 1.5), None),
        ((1.0, 1.5, 1.499), None),
        ((4.0, 5.0, 5.0), True),  # by 25 %
        ((4.0, 4.999, 5.0), None),
        ((5.0, 6.0, 6.0), True),  # by 1 g/dL from 5 g/dL
        ((5.0, 5.999, 6.0), None),
        ((4.999, 5.999, 5.999), None),
        ((1.0, 1.5), None),  # not confirmed
        ((1.0, 1.5, 1.2, 1.5), None),  # not twice running
        ((3.0, 1.0, 1.0, 1.5, 1.5), True),  # from the lowest confirmed
        ((3.0, 1.0, 2.0, 2.49, 2.5), None),  # 1.0 was not confirmed, 2.0 is the lowest that was
        ((3.0, 1.0, 2.0, 2.5, 2.5), True),
    ],
)
def test_serum_m_protein_shows_progression(
    derive: Derive, unit: str, factor: int, values: Sequence[float], *, progressed: bool | None
) -> None:
    results = series("serum_m_protein", unit, *(round(value * factor, 6) for value in values))
    assert progression(derive, results) is progressed


@pytest.mark.parametrize(("unit", "factor"), [("mg/24 h", 1), ("g/24 h", 0.001)])
@pytest.mark.parametrize(
    ("values", "progressed"),
    [
        ((400, 600, 600), True),  # by 200 mg
        ((400, 599, 600), None),
        ((1000, 1250, 1250), True),  # by 25 %
        ((1000, 1249, 1250), None),
    ],
)
def test_urine_m_protein_shows_progression(
    derive: Derive, unit: str, factor: float, values: Sequence[float], *, progressed: bool | None
) -> None:
    results = series("urine_m_protein", unit, *(round(value * factor, 6) for value in values))
    assert progression(derive, results) is progressed


def light_chains(unit: str, factor: float, *pairs: tuple[float, float]) -> list[dict[str, object]]:
    kappa = [round(pair[0] * factor, 6) for pair in pairs]
    lambda_ = [round(pair[1] * factor, 6) for pair in pairs]
    return [
        *series("kappa_free_light_chain", unit, *kappa),
        *series("lambda_free_light_chain", unit, *lambda_),
    ]


UNMEASURABLE = [
    *series("serum_m_protein", "g/dL", 0.999),
    *series("urine_m_protein", "mg/24 h", 199),
]


@pytest.mark.parametrize(("unit", "factor"), [("mg/L", 1), ("mg/dL", 0.1)])
@pytest.mark.parametrize(
    ("pairs", "progressed"),
    [
        (((205, 5), (305.1, 5), (305.1, 5)), True),  # the difference is up by more than 100 mg/L
        (((205, 5), (305, 5), (305.1, 5)), None),
        (((205, 5), (310, 10), (310.1, 10)), None),  # it is the difference that counts
        (((5, 205), (5, 305.1), (5, 305.1)), True),  # and whichever chain is involved
        (((605, 5), (755, 5), (755, 5)), True),  # by 25 %
        (((605, 5), (754.9, 5), (755, 5)), None),
        (((205, 5), (215.1, 5), (215.1, 5)), None),  # by 10 mg/L, as one print has it
    ],
)
def test_free_light_chains_show_progression_where_m_protein_is_not_measurable(
    derive: Derive,
    unit: str,
    factor: float,
    pairs: Sequence[tuple[float, float]],
    *,
    progressed: bool | None,
) -> None:
    chains = light_chains(unit, factor, *pairs)
    assert progression(derive, UNMEASURABLE, chains) is progressed


def test_free_light_chains_count_only_where_m_protein_is_certainly_not_measurable(
    derive: Derive,
) -> None:
    chains = light_chains("mg/L", 1, (205, 5), (400, 5), (400, 5))
    assert progression(derive, chains) is None
    serum = series("serum_m_protein", "g/dL", 1.0)
    urine = series("urine_m_protein", "mg/24 h", 199)
    assert progression(derive, serum, urine, chains) is None
    assert progression(derive, UNMEASURABLE, chains) is True
    below = series("serum_m_protein", "g/dL", "<1")
    assert progression(derive, below, urine, chains) is True
    straddling = series("serum_m_protein", "g/dL", "<=1")
    assert progression(derive, straddling, urine, chains) is None


@pytest.mark.parametrize(
    ("chains", "marrow", "progressed"),
    [
        ((99.9, 5), (20, 30, 30), True),  # by 10 points
        ((99.9, 5), (20, 29.9, 30), None),
        ((99.9, 5), (60, 75, 75), True),  # by 25 %
        ((99.9, 5), (60, 74.9, 75), None),
        ((165, 100), (20, 30, 30), True),  # a ratio of 1.65 is normal
        ((165.1, 100), (20, 30, 30), None),
        ((100, 5), (20, 30, 30), None),  # light chains are measurable
        ((26, 100), (20, 30, 30), True),  # so is one of 0.26
        ((25.9, 100), (20, 30, 30), None),
    ],
)
def test_marrow_shows_progression_where_nothing_else_is_measurable(
    derive: Derive,
    chains: tuple[float, float],
    marrow: Sequence[float],
    *,
    progressed: bool | None,
) -> None:
    results = series("marrow_plasma_cells", "%", *marrow)
    found = progression(derive, UNMEASURABLE, light_chains("mg/L", 1, chains), results)
    assert found is progressed


def test_a_lesion_seen_twice_running_shows_progression(derive: Derive) -> None:
    def lesions(*results: str) -> list[dict[str, object]]:
        return [
            {"measurement": "new_lesion", "value": result, "date": day}
            for result, day in zip(results, DAYS, strict=False)
        ]

    assert progression(derive, lesions("absent", "present", "present")) is True
    assert progression(derive, lesions("absent", "present")) is None
    assert progression(derive, lesions("present", "absent", "present")) is None


@pytest.mark.parametrize(
    ("values", "progressed"),
    [
        (("<0.1", 0.6, 0.6), True),  # below 0.1, so up by more than 0.5
        (("<=0.1", 0.6, 0.6), True),
        (("<0.2", 0.6, 0.6), None),
        ((1.0, ">=1.5", ">1.5"), True),
        ((1.0, ">1.4", 1.5), None),
        ((1.0, "<2", 1.5), None),
    ],
)
def test_a_bound_shows_progression_only_if_every_value_within_it_does(
    derive: Derive, values: Sequence[object], *, progressed: bool | None
) -> None:
    assert progression(derive, series("serum_m_protein", "g/dL", *values)) is progressed


def test_an_order_that_partial_dates_leave_open_shows_no_progression(derive: Derive) -> None:
    results = series("serum_m_protein", "g/dL", 1.0, 1.5, 1.5)
    assert progression(derive, [*results[:2], {**results[2], "date": "2025"}]) is None
    assert progression(derive, [*results[:2], {**results[2], "date": "2025-02"}]) is None
    assert progression(derive, [*results[:2], {**results[2], "date": "2025-03"}]) is True
    undated = {name: value for name, value in results[2].items() if name != "date"}
    assert progression(derive, [*results, undated]) is None


def test_a_result_that_was_left_out_may_lie_between(derive: Derive) -> None:
    results = series("serum_m_protein", "g/dL", 1.0, 1.6, 1.6)
    unclear = {"measurement": "serum_m_protein", "value": 0.2, "date": "2025-03-01"}
    found = derive(therapies=[COURSE], laboratory=[*results, unclear])
    assert problems(found) == [("laboratory 4", "unit")]
    assert "progression" not in {fact.fact for fact in found.facts}


@pytest.mark.parametrize("complete", [False, True])
def test_an_incomplete_list_has_no_baseline(derive: Derive, *, complete: bool) -> None:
    found = derive(
        therapies=[COURSE],
        laboratory=series("serum_m_protein", "g/dL", 1.0, 1.6, 1.6),
        complete=["laboratory"] if complete else [],
    )
    assert stated(found).get("progression") is (True if complete else None)


@pytest.mark.parametrize(
    ("course", "others"),
    [
        ({"phase": "maintenance"}, []),
        ({}, [line(2, "carfilzomib", start="2024-01-01", end="2024-12-01")]),
        ({}, [line(None, "ixazomib", start="2024-01-01", end="2024-12-01")]),
    ],
)
def test_a_part_of_a_line_is_not_judged_by_values_from_within_it(
    derive: Derive, course: Mapping[str, object], others: list[dict[str, object]]
) -> None:
    found = derive(
        therapies=[*others, {**COURSE, **course}],
        laboratory=series("serum_m_protein", "g/dL", 0.5, 1.2, 1.2),
        complete=["laboratory"],
    )
    assert {"progression", "response"}.isdisjoint(stated(found))


def responses(derive: Derive, *results: list[dict[str, object]], complete: bool = True) -> object:
    found = stated(
        derive(
            therapies=[COURSE],
            laboratory=[result for some in results for result in some],
            complete=["laboratory"] if complete else [],
        )
    )
    return found.get("response")


def test_categories_that_no_assessment_reached_are_ruled_out_of_a_complete_list(
    derive: Derive,
) -> None:
    urine = series("urine_m_protein", "mg/24 h", 99, 99, 99)

    def at(value: float) -> object:
        return responses(derive, series("serum_m_protein", "g/dL", 4, value, value), urine)

    high = ["partial", "very_good_partial"]
    assert at(0.4) == {"one_of": sorted([*high, "minimal", "stable", "progressive"])}
    assert at(0.401) == {"one_of": ["minimal", "partial", "progressive", "stable"]}
    assert at(2.0) == {"one_of": ["minimal", "partial", "progressive", "stable"]}
    assert at(2.001) == {"one_of": ["minimal", "progressive", "stable"]}
    assert at(3.0) == {"one_of": ["minimal", "progressive", "stable"]}
    assert at(3.001) == {"one_of": ["progressive", "stable"]}
    serum = series("serum_m_protein", "g/dL", 4, 3.001, 3.001)
    assert responses(derive, serum, urine, complete=False) is None


def test_a_partial_response_needs_serum_urine_and_confirmation(derive: Derive) -> None:
    serum = series("serum_m_protein", "g/dL", 4, 2, 2)
    urine = series("urine_m_protein", "mg/24 h", 500, 199, 50)
    none: list[dict[str, object]] = [
        {"measurement": "plasmacytoma", "value": "absent", "date": DAYS[0]}
    ]
    lower = {"one_of": ["partial", "progressive"]}
    upper = {"one_of": ["minimal", "partial", "progressive", "stable"]}
    assert responses(derive, serum, urine, none) == lower
    assert responses(derive, serum, urine) == upper
    assert responses(derive, serum, none) == upper
    assert responses(derive, serum[:2], urine, none) == upper
    assert (
        responses(derive, serum, series("urine_m_protein", "mg/24 h", 500, 200, 50), none) == upper
    )


# Safety


def cautions(derive: Derive, *results: dict[str, object], **raw: object) -> set[tuple[str, bool]]:
    found = derive(laboratory=list(results), **raw)
    assert not found.problems
    return {
        (caution.kind, caution.certain)
        for caution in found.cautions
        if caution.kind != "pregnancy_prevention"
    }


def result(measurement: str, value: object, unit: str, **fields: object) -> dict[str, object]:
    return {
        "measurement": measurement,
        "value": value,
        "unit": unit,
        "date": "2025-09-01",
        **fields,
    }


HOLD, LATER, REDUCE = ("hold", True), ("start_later", True), ("reduce", True)


@pytest.mark.parametrize(
    ("unit", "factor"), [("/mm3", 1), ("/uL", 1), ("10*3/uL", 0.001), ("10*9/L", 0.001)]
)
@pytest.mark.parametrize(
    ("measurement", "value", "expected"),
    [
        ("platelets", 29_999, {HOLD, LATER}),
        ("platelets", 30_000, {LATER}),
        ("platelets", 74_999, {LATER}),
        ("platelets", 75_000, set()),
        ("neutrophils", 499, {HOLD, LATER}),
        ("neutrophils", 500, {LATER}),
        ("neutrophils", 999, {LATER}),
        ("neutrophils", 1_000, set()),
    ],
)
def test_low_counts_call_for_a_pause(
    derive: Derive,
    unit: str,
    factor: float,
    measurement: str,
    value: int,
    expected: set[tuple[str, bool]],
) -> None:
    assert cautions(derive, result(measurement, round(value * factor, 6), unit)) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (result("creatinine_clearance", 29.999, "mL/min"), {REDUCE}),
        (result("creatinine_clearance", 30, "mL/min"), set()),
        (result("total_bilirubin", 1.8, "mg/dL", upper_limit=1.2), set()),
        (result("total_bilirubin", 1.81, "mg/dL", upper_limit=1.2), {REDUCE}),
        (result("total_bilirubin", 1.5, "x ULN"), set()),
        (result("total_bilirubin", 1.501, "x ULN"), {REDUCE}),
        (result("platelets", "<50", "10*3/uL"), {("hold", False), LATER}),
        (result("platelets", "<=30", "10*3/uL"), {("hold", False), LATER}),
        (result("platelets", "<30", "10*3/uL"), {HOLD, LATER}),
        (result("platelets", ">70", "10*3/uL"), {("start_later", False)}),
    ],
)
def test_values_call_for_a_lower_dose_and_bounds_for_a_look(
    derive: Derive, found: dict[str, object], expected: set[tuple[str, bool]]
) -> None:
    assert cautions(derive, found) == expected


def test_aminotransferases_count_once_confirmed_by_the_same_enzyme(derive: Derive) -> None:
    def enzyme(name: str, value: float, day: str) -> dict[str, object]:
        return {**result(name, value, "U/L", upper_limit=40), "date": day}

    alt, ast = "alanine_aminotransferase", "aspartate_aminotransferase"
    both = {HOLD, REDUCE}
    perhaps = {("hold", False), ("reduce", False)}
    one, two = "2025-08-01", "2025-08-08"
    assert cautions(derive, enzyme(alt, 201, one), enzyme(alt, 201, two)) == both
    assert cautions(derive, enzyme(alt, 201, one), enzyme(alt, 200, two)) == set()
    assert cautions(derive, enzyme(alt, 200, one), enzyme(alt, 201, two)) == perhaps
    assert cautions(derive, enzyme(alt, 201, one), enzyme(ast, 201, two)) == perhaps


def test_only_the_latest_result_counts(derive: Derive) -> None:
    low = {**result("platelets", 20, "10*3/uL"), "date": "2025-07-01"}
    high = {**result("platelets", 90, "10*3/uL"), "date": "2025-08-01"}
    assert cautions(derive, low, high) == set()
    assert cautions(derive, {**low, "date": "2025-09-01"}, high) == {HOLD, LATER}
    assert cautions(derive, {**low, "date": "2025"}, high) == {
        ("hold", False),
        ("start_later", False),
    }


@pytest.mark.parametrize(
    ("drug", "fields", "expected"),
    [
        ("rifampin", {"filled": "2025-09-01", "days_supply": 30}, {("interaction", True)}),
        ("rifampin", {"filled": "2025-07-01", "days_supply": 30}, set()),
        ("clarithromycin", {}, {("interaction", False)}),
        ("lenalidomide", {"filled": "2025-09-01", "days_supply": 30}, set()),
    ],
)
def test_drugs_that_act_on_cytochrome_3a_interact(
    derive: Derive, drug: str, fields: Mapping[str, object], expected: set[tuple[str, bool]]
) -> None:
    assert cautions(derive, prescriptions=[{"drug": drug, **fields}]) == expected


def test_pregnancy_prevention_is_always_there_with_its_source(derive: Derive) -> None:
    found = [caution for caution in derive().cautions if caution.kind == "pregnancy_prevention"]
    assert found
    assert all(caution.source.document == "Ninlaro label" for caution in found)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (result("platelets", 90, "g/dL"), "unit"),
        ({"measurement": "platelets", "value": 90, "date": "2025-09-01"}, "unit"),
        (result("serum_m_protein", 1, "mg/24 h"), "unit"),
        (result("serum_m_protein", 200, "g/dL"), "value"),
        (result("total_bilirubin", 1, "mg/dL"), "upper_limit"),
        ({**result("platelets", 90, "/uL"), "date": "2025-09-16"}, "date"),
    ],
)
def test_a_result_that_cannot_be_counted_is_left_out(
    derive: Derive, record: dict[str, object], field: str
) -> None:
    found = derive(laboratory=[record, result("platelets", 20, "10*3/uL")])
    assert problems(found) == [("laboratory 1", field)]
    assert any(caution.kind == "hold" for caution in found.cautions)
