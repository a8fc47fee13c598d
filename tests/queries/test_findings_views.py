"""Findings, comparisons and routes in words, in JSON and as documents.

The texts in golden/ are what they are to look like; POLICYGROUNDS_GOLDEN=write writes them anew.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from engine.analysis.difference import Change, Comparison, Route, SectionChange, Verdict
from engine.analysis.finding import Finding, FindingKind, Witness
from engine.determination import Outcome
from facts.values import NO, YES, Bounds, Known, Members, OneOf
from policygrounds import KnowledgeBase
from queries.differences import comparison_json, comparison_view, matrix
from queries.findings import (
    KINDS,
    Checked,
    checked_json,
    sentence,
    shown_findings,
    summary,
)
from queries.grouping import group_alike
from queries.patients import patients_with, size
from queries.reports import (
    comparison_markdown,
    comparison_page,
    findings_markdown,
    routes_markdown,
    routes_page,
)
from queries.routes import DEFAULT, RoutesView, routes_json, routes_view
from queries.terminal_findings import show_checked, show_comparison, show_matrix, show_routes
from queries.witnesses import (
    replays,
    save_witnesses,
    stated,
    unreplayed_findings,
    unreplayed_routes,
    unreplayed_witnesses,
    witness_case,
)

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("POLICYGROUNDS_GOLDEN") == "write":
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")


def one_of(*values: str) -> OneOf:
    return OneOf(frozenset(values))


def members(add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> Members:
    return Members(frozenset(add), frozenset(remove))


def wide() -> Console:
    return Console(file=StringIO(), width=110, highlight=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "every patient"),
        ({"age": Bounds(18, 120)}, "age 18 or more"),
        ({"age": Bounds(0, 17)}, "age 17 or less"),
        ({"age": Bounds(18, 64)}, "age 18 to 64"),
        ({"age": Bounds(18, 18)}, "age 18"),
        ({"request": one_of("initial")}, "a first request"),
        (
            {"request": one_of("continuation"), "diagnosis": one_of("multiple_myeloma", "other")},
            "a continuation of treatment for multiple myeloma or another diagnosis",
        ),
        (
            {"diagnosis": one_of("waldenstrom_macroglobulinemia")},
            "a request for Waldenstrom macroglobulinemia",
        ),
        (
            {
                "diagnosis": one_of(
                    *("al_amyloidosis", "waldenstrom_macroglobulinemia"),
                    *("lymphoplasmacytic_lymphoma", "other"),
                )
            },
            "a request for any diagnosis but multiple myeloma",
        ),
        (
            {"regimen": members(("dexamethasone",), ("bortezomib", "carfilzomib"))},
            "with dexamethasone and without bortezomib or carfilzomib",
        ),
        ({"regimen": members((), ("bortezomib",))}, "without bortezomib"),
        (
            {"prior_drugs": members(("bortezomib",))},
            "drugs in the completed lines include bortezomib",
        ),
        ({"transplant_candidate": NO}, "candidate for stem cell transplant: no"),
        ({"t_11_14": YES}, "translocation t(11;14): yes"),
        ({"prior_lines": Bounds(1, 30)}, "at least 1 completed line of therapy"),
        ({"weekly_dose_mg": Bounds(0, 40)}, "dose a week: at most 4 mg"),
        (
            {"prescriber": one_of("oncologist", "hematologist")},
            "prescriber's specialty: hematologist or oncologist",
        ),
        (
            {"line_of_business": one_of("medicaid", "fep")},
            "line of business: Federal Employee Program or Medicaid",
        ),
        (
            {
                "t_11_14": YES,
                "regimen": members(("dexamethasone",)),
                "age": Bounds(18, 120),
                "diagnosis": one_of("multiple_myeloma"),
                "request": one_of("initial"),
            },
            (
                "a first request for multiple myeloma, age 18 or more, with dexamethasone, "
                "translocation t(11;14): yes"
            ),
        ),
    ],
)
def test_patients_are_said_in_few_words(
    kb: KnowledgeBase, facts: Mapping[str, Known], said: str
) -> None:
    assert patients_with(facts, kb.vocabulary) == said


def test_the_size_of_a_region_counts_facts_and_members() -> None:
    facts: Mapping[str, Known] = {
        "age": Bounds(18, 120),
        "regimen": members(("a", "b"), ("c",)),
        "t_11_14": YES,
    }
    assert size(facts) == 5


def test_facts_are_stated_as_in_a_case(kb: KnowledgeBase) -> None:
    facts: Mapping[str, Known] = {
        "t_11_14": NO,
        "age": Bounds(18, 120),
        "request": one_of("initial"),
        "disease_state": one_of("relapsed", "refractory"),
        "prior_lines": Bounds(2, 2),
        "regimen": members(("dexamethasone",), ("bortezomib",)),
        "weekly_dose_mg": Bounds(0, kb.vocabulary.facts["weekly_dose_mg"].highest),
    }
    assert stated(facts, kb.vocabulary) == {
        "age": {"at_least": 18},
        "disease_state": {"one_of": ["refractory", "relapsed"]},
        "prior_lines": 2,
        "regimen": {"includes": ["dexamethasone"], "excludes": ["bortezomib"]},
        "request": "initial",
        "t_11_14": False,
    }


# Findings


def test_every_kind_of_finding_has_a_text() -> None:
    assert set(KINDS) == set(FindingKind)


def test_the_json_form_of_findings(kb: KnowledgeBase, checked: Checked) -> None:
    found = json.loads(json.dumps(checked_json(checked, kb.vocabulary)))
    assert (found["policy"], found["version"]) == ("5.21.071", "2024-01-01")
    note, error, warning = found["findings"]
    assert note == {
        "id": "5.21.071:same-criterion:Prior-Approval.Age = Renewal.Age",
        "kind": "same-criterion",
        "severity": "note",
        "sections": ["Prior-Approval.Age", "Renewal.Age"],
        "text": "Prior-Approval.Age and Renewal.Age ask the same",
        "witnesses": [],
        "repair": None,
        "accepted": None,
        "readings": {},
    }
    assert error["accepted"] == {"reason": "The text is to be corrected.", "date": "2025-09-15"}
    assert error["repair"] == "Correct the rule"
    assert error["witnesses"][0] == {
        "case": {"policy": "5.21.071", "on": "2024-01-01", "facts": {"age": {"at_most": 17}}},
        "readings": {},
        "outcome": "deny",
        "shows": "",
    }
    assert warning["readings"] == {"progression_or_toxicity": "not_both"}
    assert warning["witnesses"][0]["shows"] == "the other reading"


def test_the_gravest_findings_come_first_and_the_accepted_ones_last(
    kb: KnowledgeBase, checked: Checked
) -> None:
    shown = shown_findings(checked, kb.vocabulary)
    assert [one.label for one in shown] == ["warning", "note", "accepted"]
    assert [one.number for one in shown] == [1, 2, 3]
    assert summary(checked) == "1 warning, 1 note; 1 accepted"
    open_ones = shown_findings(replace(checked, accepted={}), kb.vocabulary)
    assert [one.label for one in open_ones] == ["error", "warning", "note"]
    assert summary(replace(checked, findings=())) == "no finding"


@pytest.mark.parametrize(
    ("least", "accepting", "fails"),
    [
        ("error", True, False),
        ("error", False, True),
        ("warning", True, True),
        ("note", True, True),
        ("never", False, False),
    ],
)
def test_findings_count_from_a_severity_on_unless_they_are_accepted(
    checked: Checked, least: str, *, accepting: bool, fails: bool
) -> None:
    checked = checked if accepting else replace(checked, accepted={})
    assert checked.fails(least) is fails


def test_sentences_end_once() -> None:
    assert [sentence(text) for text in ("", "It is", "It is.", "Is it?")] == [
        "",
        "It is.",
        "It is.",
        "Is it?",
    ]


def test_findings_in_a_terminal(kb: KnowledgeBase, checked: Checked) -> None:
    console = wide()
    commands = {finding.id: ["decide it"] * len(finding.witnesses) for finding in checked.findings}
    show_checked(console, checked, kb.vocabulary, commands)
    golden("findings.txt", printed(console))


def test_findings_in_markdown(kb: KnowledgeBase, checked: Checked) -> None:
    nothing = replace(checked, findings=())
    golden("findings.md", findings_markdown([checked, nothing], kb.vocabulary))


# Witnesses


def test_witnesses_are_decided_again(kb: KnowledgeBase, findings: tuple[Finding, ...]) -> None:
    assert unreplayed_findings(kb, findings) == []
    _, error, warning = findings
    wrong = replace(error, witnesses=(replace(error.witnesses[0], outcome=Outcome.APPROVE),))
    unread = replace(warning, witnesses=(replace(warning.witnesses[0], readings={}),))
    assert unreplayed_findings(kb, [wrong, warning, unread]) == [wrong, unread]


def test_a_contradiction_bears_nothing_out(kb: KnowledgeBase) -> None:
    facts: Mapping[str, Known] = {
        "treatment_setting": one_of("primary"),
        "prior_lines": Bounds(2, 30),
    }
    witness = Witness(facts=facts, outcome=Outcome.PEND, policy="CP.PHAR.302", version="2025-08-01")
    assert not replays(kb, witness)
    assert not replays(kb, replace(witness, version="1999-01-01"))


def test_saved_witnesses_are_cases(
    kb: KnowledgeBase, findings: tuple[Finding, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "some" / "where"
    commands = save_witnesses(folder, findings, kb.vocabulary)
    assert {name: len(each) for name, each in commands.items()} == {
        "5.21.071:never-met:Renewal.a": 2,
        "5.21.071:reading-decides:progression_or_toxicity=not_both": 1,
    }
    saved = sorted(file.name for file in folder.iterdir())
    assert saved == [
        "5.21.071_never-met_Renewal.a.1.json",
        "5.21.071_never-met_Renewal.a.2.json",
        "5.21.071_reading-decides_progression_or_toxicity_not_both.1.json",
    ]
    assert json.loads((folder / saved[0]).read_text()) == {
        "id": "5.21.071:never-met:Renewal.a",
        "policy": "5.21.071",
        "on": "2024-01-01",
        "facts": {"age": {"at_most": 17}},
    }
    case = witness_case(findings[1].witnesses[1], kb.vocabulary)
    assert kb.determine(case).outcome is Outcome.APPROVE


# Comparisons


def test_the_json_form_of_a_comparison(kb: KnowledgeBase, comparison: Comparison) -> None:
    found = json.loads(json.dumps(comparison_json(comparison, kb.vocabulary)))
    assert found["first"] == {"policy": "5.21.071", "version": "2024-01-01"}
    assert found["second"] == {"policy": "CP.PHAR.302", "version": "2025-08-01"}
    assert found["verdict"] == "incomparable"
    assert found["readings"] == [{}, {}]
    assert found["phases"] == [
        {"facts": {"line_of_business": "medicaid", "request": "initial"}, "verdict": "looser"}
    ]
    assert found["complete"] is True
    outcome, months, _ = found["differences"]
    assert (outcome["part"], outcome["first"], outcome["second"]) == ("outcome", "approve", "refer")
    assert len(outcome["regions"]) == 5
    assert outcome["complete"] is True
    assert months["complete"] is False
    first, *_, last = outcome["regions"]
    assert "t_11_14" not in first["facts"]
    assert last["facts"]["t_11_14"] is True
    assert first["first_sections"] == ["Prior-Approval.a"]
    assert [witness["outcome"] for witness in first["witnesses"]] == ["approve", "refer"]
    assert first["witnesses"][0]["case"]["facts"] == first["facts"]


def test_the_witnesses_of_a_comparison_are_decided_again(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    assert unreplayed_witnesses(kb, comparison) == 0
    (difference, *_) = comparison.differences
    (region, *_) = difference.regions
    one, other = region.witnesses
    wrong = replace(region, witnesses=(replace(one, outcome=Outcome.DENY), other))
    broken = replace(comparison, differences=(replace(difference, regions=(wrong,)),))
    assert unreplayed_witnesses(kb, broken) == 1


def test_parts_of_answers_are_decided_again_too(kb: KnowledgeBase, comparison: Comparison) -> None:
    _, months, quantity = comparison.differences
    for wrong, count in (
        (replace(months, first="6"), 1),
        (replace(months, first="none", second="12"), 2),
        (replace(quantity, second="3 capsule 21"), 1),
        (replace(quantity, first="3 capsule 28", second="none"), 2),
    ):
        assert unreplayed_witnesses(kb, replace(comparison, differences=(wrong,))) == count
    (region,) = months.regions
    one, other = (
        replace(witness, facts={**witness.facts, "requested_months": Bounds(6, 12)})
        for witness in region.witnesses
    )
    wide = replace(months, regions=(replace(region, witnesses=(one, other)),))
    assert unreplayed_witnesses(kb, replace(comparison, differences=(wide,))) == 1


def test_routes_are_decided_again(kb: KnowledgeBase, found_routes: tuple[Route, ...]) -> None:
    assert unreplayed_routes(kb, found_routes, {}) == []
    wrong = replace(found_routes[0], facts={"age": Bounds(18, 120)})
    assert unreplayed_routes(kb, [*found_routes, wrong], {}) == [wrong]


def test_parts_that_differ_for_all_whom_both_approve_are_not_said_of_every_patient(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    _, months, _ = comparison.differences
    everyone = replace(months, regions=(replace(months.regions[0], facts={}),))
    view = comparison_view(replace(comparison, differences=(everyone,)), kb.vocabulary)
    assert view.differences[0].rows[0].patients == "all of them"
    page = comparison_page([view], kb.vocabulary)
    assert "with these facts among those approved by both, whatever else is so" in page


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            Verdict.UNDECIDED,
            "How 5.21.071 stands to CP.PHAR.302 is not known: a limit was met before it was certain.",
        ),
        (
            Verdict.NO_COMMON_PATIENT,
            "No patient is served by both 5.21.071 and CP.PHAR.302.",
        ),
    ],
)
def test_policies_of_which_nothing_is_known_are_not_called_alike(
    kb: KnowledgeBase, comparison: Comparison, verdict: Verdict, said: str
) -> None:
    found = replace(comparison, verdict=verdict, differences=(), phases=())
    view = comparison_view(found, kb.vocabulary)
    assert view.verdict == said
    console = Console(file=StringIO(), width=110, highlight=False, force_terminal=True)
    show_comparison(console, view, kb.vocabulary, everything=False)
    show_matrix(console, [found])
    text = printed(console)
    assert verdict.value.upper() in text
    assert "\x1b[32m" not in text
    assert matrix([found])[1] == {
        ("5.21.071", "CP.PHAR.302"): verdict.value,
        ("CP.PHAR.302", "5.21.071"): verdict.value,
    }


def test_two_dates_of_one_version_are_said_to_be_that(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    same = replace(
        comparison, second=comparison.first, verdict=Verdict.EQUIVALENT, differences=(), phases=()
    )
    assert comparison_view(same, kb.vocabulary).verdict == (
        "Both dates fall into one version, 5.21.071 of 2024-01-01: there is nothing to compare."
    )


def test_regions_that_differ_in_one_drug_are_one_row_of_words(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    view = comparison_view(comparison, kb.vocabulary)
    outcome, months, quantity = view.differences
    assert outcome.heading == "5.21.071 approves, CP.PHAR.302 refers"
    assert (
        months.heading
        == "How long it is approved for, among those approved by both: 12 months by 5.21.071, "
        "6 months by CP.PHAR.302"
    )
    assert quantity.heading == (
        "The quantity, among those approved by both: not stated by 5.21.071, 3 capsules in 28 days by CP.PHAR.302"
    )
    assert [row.regions for row in outcome.rows] == [4, 1]
    assert outcome.rows[0].patients == (
        "a first request for multiple myeloma, age 18 or more, with dexamethasone and one of "
        "cisplatin, doxorubicin, etoposide and selinexor and without bortezomib or carfilzomib, "
        "at least 1 completed line of therapy, "
        "regimen documented as FDA-approved or guideline-recommended: no"
    )
    assert outcome.regions == "5 regions"


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from(("cisplatin", "daratumumab", "isatuximab", "lenalidomide"))),
            st.sets(st.sampled_from(("bortezomib", "carfilzomib", "rituximab"))),
            st.integers(0, 1),
        ),
        unique_by=lambda one: (frozenset(one[0]), frozenset(one[1]), one[2]),
        max_size=24,
    )
)
def test_rows_hold_every_region_once(
    kb: KnowledgeBase, drawn: list[tuple[set[str], set[str], int]]
) -> None:
    facts = [{"regimen": Members(frozenset(has), frozenset(not_))} for has, not_, _ in drawn]
    kinds = [kind for *_, kind in drawn]
    groups = group_alike(facts, kinds, kb.vocabulary, any_drugs=True)
    assert sorted(number for group in groups for number in group.numbers) == [*range(len(drawn))]
    for group in groups:
        places = group.values["regimen"]
        assert isinstance(places, tuple)
        spelt_out = {
            frozenset(combination)
            for combination in product(
                *([(place.adds, drug) for drug in place.members] for place in places)
            )
        }
        assert spelt_out == {
            frozenset([*((True, drug) for drug in has), *((False, drug) for drug in not_)])
            for has, not_, _ in (drawn[number] for number in group.numbers)
        }
        assert len(spelt_out) == len(group.numbers)
        assert len({kinds[number] for number in group.numbers}) == 1


def test_versions_of_one_policy_are_called_by_their_first_days(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    versions = replace(
        comparison,
        first=("CP.PHAR.302", "2024-08-01"),
        differences=(),
        verdict=Verdict.SAME_OUTCOMES,
        readings=({"other_use": "diagnosis_only"}, {}),
        sections=(
            SectionChange(
                section="I.A.5", change=Change.ALTERED, text="In a listed way", parts=("+ I.A.5.d",)
            ),
        ),
    )
    view = comparison_view(versions, kb.vocabulary)
    assert view.verdict == (
        "CP.PHAR.302 of 2024-08-01 gives the same outcomes, with other parts of the answer, as "
        "CP.PHAR.302 of 2025-08-01."
    )
    assert view.readings == "CP.PHAR.302 of 2024-08-01 reads other_use as diagnosis_only"
    console = wide()
    show_comparison(console, view, kb.vocabulary, everything=False)
    assert "altered  I.A.5  In a listed way (+ I.A.5.d)" in printed(console)
    assert "| I.A.5 | altered (+ I.A.5.d) | In a listed way |" in comparison_markdown([view])
    (changed,) = json.loads(json.dumps(comparison_json(versions, kb.vocabulary)))["sections"]
    assert changed == {
        "section": "I.A.5",
        "change": "altered",
        "text": "In a listed way",
        "parts": ["+ I.A.5.d"],
    }


def test_a_comparison_says_how_each_of_two_policies_reads_what_both_have(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    shared = ({"in_combination_with": "exactly"}, {"in_combination_with": "at_least"})
    view = comparison_view(replace(comparison, readings=shared), kb.vocabulary)
    assert view.readings == (
        "5.21.071 reads in_combination_with as exactly; "
        "CP.PHAR.302 reads in_combination_with as at_least"
    )


def test_a_comparison_in_a_terminal(kb: KnowledgeBase, comparison: Comparison) -> None:
    view = comparison_view(comparison, kb.vocabulary)
    console = wide()
    show_comparison(console, view, kb.vocabulary, everything=False)
    golden("comparison.txt", printed(console))


def test_a_long_list_of_regions_is_cut_unless_all_is_asked_for(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    (difference, *_) = comparison.differences
    regions = tuple(
        replace(region, first_sections=(f"{number}",))
        for number, region in enumerate(difference.regions * 3)
    )
    long = replace(comparison, differences=(replace(difference, regions=regions),))
    view = comparison_view(long, kb.vocabulary)
    for everything in (False, True):
        console = wide()
        show_comparison(console, view, kb.vocabulary, everything=everything)
        assert ("5 more groups; --all shows them." in printed(console)) is not everything
        assert ("    15. " in printed(console)) is everything


def test_a_comparison_in_markdown(kb: KnowledgeBase, comparison: Comparison) -> None:
    view = comparison_view(comparison, kb.vocabulary)
    golden("comparison.md", comparison_markdown([view]))


def test_a_matrix_says_how_each_policy_stands_to_each_other_one(
    kb: KnowledgeBase, comparison: Comparison
) -> None:
    stricter = replace(
        comparison, second=("EX-101", "2025-01-01"), verdict=Verdict.STRICTER, differences=()
    )
    policies, verdicts = matrix([comparison, stricter])
    assert policies == ("5.21.071", "CP.PHAR.302", "EX-101")
    assert verdicts["5.21.071", "CP.PHAR.302"] == verdicts["CP.PHAR.302", "5.21.071"]
    assert verdicts["5.21.071", "EX-101"] == "stricter"
    assert verdicts["EX-101", "5.21.071"] == "looser"
    assert ("CP.PHAR.302", "EX-101") not in verdicts
    console = wide()
    show_matrix(console, [comparison, stricter])
    assert "EX-101       looser" in printed(console)
    views = [comparison_view(one, kb.vocabulary) for one in (comparison, stricter)]
    assert "| EX-101 | looser |  |  |" in comparison_markdown(views)


# Routes


def test_routes_come_by_pathway_the_shortest_first(
    kb: KnowledgeBase, found_routes: tuple[Route, ...]
) -> None:
    raw = routes_json("5.21.071", "2024-01-01", "approve", found_routes, kb.vocabulary)
    found = json.loads(json.dumps(raw))
    assert (found["policy"], found["version"], found["outcome"]) == (
        "5.21.071",
        "2024-01-01",
        "approve",
    )
    assert found["readings"] == {}
    assert [route["pathway"] for route in found["routes"]] == ["Prior-Approval"] * 3 + ["Renewal"]
    assert found["routes"][0]["facts"]["regimen"]["includes"] == ["dexamethasone"]
    assert found["routes"][0]["sections"] == ["Prior-Approval.Age"]
    view = routed(kb, found_routes)
    first, second = view.groups
    assert view.summary == "4 routes to approve"
    assert (first.pathway, first.routes) == ("Prior-Approval", "3 routes")
    assert [row.routes for row in first.rows] == [1, 2]
    assert "with dexamethasone and one of cisplatin and daratumumab" in first.rows[1].patients
    assert "cisplatin" in json.dumps(first.rows[1].facts)
    assert (second.pathway, second.routes) == ("Renewal", "1 route")


def routed(
    kb: KnowledgeBase,
    routes: Sequence[Route],
    outcome: str = "approve",
    readings: Mapping[str, str] = DEFAULT,
) -> RoutesView:
    policy = kb.policies["5.21.071"]
    return routes_view(policy, policy.versions[-1], outcome, routes, kb.vocabulary, readings)


def test_routes_in_a_terminal(kb: KnowledgeBase, found_routes: tuple[Route, ...]) -> None:
    console = wide()
    outside = replace(found_routes[0], pathway=None)
    show_routes(console, routed(kb, [*found_routes, outside]), everything=False)
    golden("routes.txt", printed(console))


def test_routes_in_markdown(kb: KnowledgeBase, found_routes: tuple[Route, ...]) -> None:
    outside = replace(found_routes[0], pathway=None)
    golden("routes.md", routes_markdown(routed(kb, [*found_routes, outside])))


def test_routes_say_under_which_readings_they_lead_there(
    kb: KnowledgeBase, found_routes: tuple[Route, ...]
) -> None:
    exactly = {"in_combination_with": "exactly"}
    view = routed(kb, found_routes, readings=exactly)
    console = wide()
    show_routes(console, view, everything=False)
    assert "\n  With in_combination_with as exactly.\n" in printed(console)
    assert "\nWith in_combination_with as exactly.\n" in routes_markdown(view)
    assert "<p>With in_combination_with as exactly.</p>" in routes_page(view)
    raw = routes_json("A", "2024-01-01", "approve", found_routes, kb.vocabulary, exactly)
    assert raw["readings"] == exactly


def test_where_no_route_leads_it_is_said_that_no_patient_gets_there(kb: KnowledgeBase) -> None:
    view = routed(kb, (), "refer")
    console = wide()
    show_routes(console, view, everything=False)
    for text in (printed(console), routes_markdown(view), routes_page(view).replace("No", "no")):
        assert "no route to refer: no patient gets there" in text
    assert "Each route is all patients" not in routes_page(view)


def test_a_page_of_routes_folds_those_beyond_the_first_ten(
    kb: KnowledgeBase, found_routes: tuple[Route, ...]
) -> None:
    many = [replace(found_routes[0], sections=(f"Renewal.{number}",)) for number in range(14)]
    page = routes_page(routed(kb, many))
    shown, rest = page.split('<details class="rest">')
    assert "<summary>4 more</summary>" in rest
    assert shown.count("<summary>A case</summary>") == 10
    assert rest.count("<summary>A case</summary>") == 4
    assert "14 routes, the shortest first" in shown
    assert "the shortest first" not in routes_page(routed(kb, many[:1]))
