"""Derived facts against brute force: every day a partial date can be, and every numbering of lines."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
import recorded_days as oracle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.derivation import Deriver
from facts.records import read_records
from policygrounds import KnowledgeBase

ON = date(2025, 3, 2)
DRUGS = ("bortezomib", "lenalidomide", "daratumumab")
EXACT = ("2024-12-01", "2024-12-31", "2025-01-01", "2025-01-30", "2025-02-28", "2025-03-01")
PARTIAL = ("2024-12", "2025-01", "2025-02", "2025-03")
FEW = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.fixture(scope="module")
def deriver(kb: KnowledgeBase) -> Deriver:
    return kb._library.deriver


def derived(deriver: Deriver, raw: Mapping[str, object], on: date = ON) -> dict[str, Any]:
    records, problems = read_records(raw, deriver.words)
    assert not problems
    found = deriver.derive(records, {}, on=on.isoformat(), drug="ixazomib")
    if found.problems:
        return {}
    assert not found.conflicts
    return {"": found, **{fact.fact: fact.value for fact in found.facts}}


@st.composite
def therapy(draw: st.DrawFn, *, lines: bool, partial: int) -> dict[str, object]:
    dates = st.sampled_from(EXACT)
    some = st.sampled_from(PARTIAL)
    known: dict[str, object] = {
        "drugs": draw(st.lists(st.sampled_from(DRUGS), min_size=1, max_size=2, unique=True))
    }
    if lines:
        known["line"] = draw(st.integers(1, 2))
    vague = draw(st.sampled_from(["start", "end", "progression"])) if partial else ""
    known["start"] = draw(some if vague == "start" else dates)
    known["end"] = draw(
        st.one_of(some if vague == "end" else dates, st.sampled_from([None, "ongoing"]))
    )
    known["progression"] = draw(
        st.one_of(some if vague == "progression" else dates, st.sampled_from([None, "none"]))
    )
    known["best_response"] = draw(st.sampled_from([None, "partial", "stable", "progressive"]))
    return known


def lists(*, lines: bool) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(therapy(lines=lines, partial=1), min_size=1, max_size=2)


def assert_lines(deriver: Deriver, raw: Sequence[Mapping[str, object]], *, complete: bool) -> None:
    records = {"therapies": raw, "complete": ["therapies"] if complete else []}
    found = derived(deriver, records)
    if not found:
        return
    counts: set[int] = set()
    certain: set[str] = set(DRUGS)
    possible: set[str] = set()
    tried = False
    for courses in oracle.completions(raw, ON):
        for count, places in oracle.completed_lines(courses, complete=complete):
            tried = True
            counts.add(count)
            drugs = {drug for at in places for drug in courses[at].drugs}
            certain &= drugs
            possible |= drugs
    if not tried:
        return
    bounds = found.get("prior_lines")
    assert (bounds.low if bounds else 0) == min(counts)
    if complete:
        assert (bounds.high if bounds else 30) == max(counts)
    members = found.get("prior_drugs")
    assert (members.includes if members else set()) == certain
    if complete:
        left = {drug for drug in DRUGS if members is None or drug not in members.excludes}
        assert left == possible


@given(raw=lists(lines=True), complete=st.booleans())
@FEW
def test_lines_with_numbers_are_counted_as_every_completion_counts_them(
    deriver: Deriver, raw: list[dict[str, object]], *, complete: bool
) -> None:
    assert_lines(deriver, raw, complete=complete)


@given(raw=lists(lines=False), complete=st.booleans())
@FEW
def test_lines_without_numbers_are_counted_as_every_numbering_counts_them(
    deriver: Deriver, raw: list[dict[str, object]], *, complete: bool
) -> None:
    assert_lines(deriver, raw, complete=complete)


@given(lists(lines=False))
@FEW
def test_a_drug_is_refractory_just_where_every_completion_of_one_therapy_says_so(
    deriver: Deriver, raw: list[dict[str, object]]
) -> None:
    found = derived(deriver, {"therapies": raw, "complete": ["therapies"]})
    if not found:
        return
    says = [{oracle.is_refractory(course) for course in oracle.settled(one, ON)} for one in raw]
    members = found.get("refractory_to")
    for drug in DRUGS:
        own = [said for one, said in zip(raw, says, strict=True) if drug in one["drugs"]]  # type: ignore[operator]
        assert (members is not None and drug in members.includes) == ({True} in own)
        assert (members is not None and drug in members.excludes) == all(
            said == {False} for said in own
        )


@given(therapy(lines=True, partial=1))
@FEW
def test_days_to_progression_are_those_of_all_completions(
    deriver: Deriver, raw: dict[str, object]
) -> None:
    found = derived(deriver, {"therapies": [raw], "complete": ["therapies"]})
    if not found or raw["progression"] is None or (raw["end"] is None):
        return
    counts = oracle.values(
        [raw],
        ON,
        lambda courses: (
            oracle.NEVER
            if courses[0].no_progression
            else max(0, (courses[0].progression - courses[0].end).days)  # type: ignore[operator]
            if courses[0].end
            else 0
        ),
    )
    bounds = found["days_to_progression"]
    assert {bounds.low, bounds.high} == {min(counts), max(counts)}  # type: ignore[type-var]


@given(
    st.sampled_from(["1999", "2000-02", "2000-02-29", "1999-03", "2001-03-01", "2001-03-02"]),
    st.dates(date(2019, 1, 1), date(2025, 12, 31)),
)
@FEW
def test_the_age_is_that_of_every_day_of_birth(deriver: Deriver, birth: str, on: date) -> None:
    bounds = derived(deriver, {"birth_date": birth}, on)["age"]
    ages = {oracle.age(day, on) for day in oracle.days(birth, on) if day}
    assert (bounds.low, bounds.high) == (min(ages), max(ages))


@given(
    st.sampled_from(["2023-01-31", "2023-08-31", "2024-02-29", "2023-02", "2023-12", "2023"]),
    st.sampled_from(["2024-02-29", "2024-08-31", "2024-09-01", "2024-08", "2024-02-28", "2024"]),
)
@FEW
def test_months_since_induction_are_those_of_all_completions(
    deriver: Deriver, end: str, progression: str
) -> None:
    raw = {
        "drugs": ["bortezomib"],
        "line": 1,
        "phase": "induction",
        "start": "2022-06-01",
        "end": end,
        "progression": progression,
    }
    found = derived(deriver, {"therapies": [raw]}).get("months_since_induction")
    counts = oracle.values(
        [raw],
        ON,
        lambda courses: oracle.tenths_of_months(
            courses[0].end,  # type: ignore[arg-type]
            courses[0].progression,  # type: ignore[arg-type]
        ),
    )
    assert found is not None
    assert (found.low, found.high) == (min(counts), max(counts))  # type: ignore[type-var]


@given(start=st.sampled_from(["2025-01-30", "2025-02", "2024", "2025-03"]), complete=st.booleans())
@FEW
def test_days_on_the_drug_are_those_of_every_start(
    deriver: Deriver, start: str, *, complete: bool
) -> None:
    raw = {"drugs": ["ixazomib"], "start": start, "end": "ongoing"}
    found = derived(
        deriver, {"therapies": [raw], "complete": ["therapies"] if complete else []}
    ).get("days_on_drug")
    counts = {(ON - day).days for day in oracle.days(start, ON) if day}
    assert (found.low if found else 0) == min(counts)
    if complete:
        assert found is not None
        assert found.high == max(counts)


@st.composite
def mixed(draw: st.DrawFn) -> list[dict[str, object]]:
    found = draw(st.lists(therapy(lines=True, partial=0), min_size=2, max_size=3))
    return [{**one, "line": one["line"] if draw(st.booleans()) else None} for one in found]


@given(raw=mixed(), complete=st.booleans())
@FEW
def test_lines_some_of_which_have_numbers_are_counted_without_leaving_one_out(
    deriver: Deriver, raw: list[dict[str, object]], *, complete: bool
) -> None:
    found = derived(deriver, {"therapies": raw, "complete": ["therapies"] if complete else []})
    if not found:
        return
    bounds, members = found.get("prior_lines"), found.get("prior_drugs")
    for courses in oracle.completions(raw, ON):
        for count, places in oracle.completed_lines(courses, complete=complete):
            drugs = {drug for at in places for drug in courses[at].drugs}
            assert bounds is None or bounds.low <= count <= bounds.high
            assert members is None or members.includes <= drugs
            assert members is None or members.excludes.isdisjoint(drugs)


VALUES = st.integers(0, 80)
"""Tenths of a gram a deciliter."""


@given(st.lists(st.tuples(VALUES, st.integers(0, 3)), min_size=2, max_size=5))
@settings(FEW, max_examples=250)
def test_serum_shows_progression_just_where_two_assessments_do_in_every_completion(
    deriver: Deriver, found: list[tuple[int, int]]
) -> None:
    dates = [date(2024, 12, 1), *(date(2025, 1, 2 + 7 * n) for n in range(4))]
    laboratory = [
        {
            "measurement": "serum_m_protein",
            "value": value if not width else f"<{value + 1}",
            "unit": "g/L",
            "date": day.isoformat(),
        }
        for (value, width), day in zip(found, dates, strict=False)
    ]
    course = {"drugs": ["ixazomib"], "start": "2025-01-01", "end": "ongoing"}
    records = {"therapies": [course], "laboratory": laboratory, "complete": ["laboratory"]}
    truth = derived(deriver, records).get("progression")
    highest = [value if not width else value + 0.9999 for value, width in found]
    lowest = [value if not width else 0 for value, width in found]
    shown = [
        oracle.serum_progression(highest[:at], lowest[:at], lowest[at], lowest[at + 1], highest[at])
        for at in range(1, len(found) - 1)
    ]
    assert (truth is not None) == any(shown)
