"""Explanations in a terminal, at several widths."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from engine.explanation import Explanation
from engine.goals import Want
from policygrounds import KnowledgeBase, Outcome
from queries.terminal_explanations import show_explanation, show_side_by_side

Explained = Callable[..., Explanation]
CASES = ["v1-CP.PHAR.302", "v2-CP.PHAR.302", "v3-5.21.071", "v7-CP.PHAR.302", "open-1"]


def printed(kb: KnowledgeBase, explanation: Explanation, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    policy = kb.policies[explanation.determination.policy]
    show_explanation(console, explanation, policy, kb.vocabulary)
    return text(console)


def beside(kb: KnowledgeBase, *explanations: Explanation, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    show_side_by_side(console, explanations, kb.policies, kb.vocabulary)
    return text(console)


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def words(shown: str) -> str:
    return " ".join(shown.split())


def test_a_denial_shows_why_what_would_change_it_and_who_must_review_it(
    kb: KnowledgeBase, explained: Explained
) -> None:
    shown = printed(kb, explained("v7-CP.PHAR.302"))
    assert shown.startswith("DENY  v7-CP.PHAR.302  Centene CP.PHAR.302, Ixazomib (Ninlaro)")
    parts = [
        "Basis: not medically necessary (I.A)",
        "Denied because of",
        "What would lead to approval",
        "By prescribing",
        "Not known, and it cannot matter",
        "Criteria",
        "To note",
        "A recommendation only: a clinician must review it before it takes effect.",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert (
        'To prescribe: "Oncologist or hematologist consulted" would have to be true. (I.A.2)'
        in words(shown)
    )


def test_an_open_case_shows_the_answers_that_lead_to_approval_once(
    kb: KnowledgeBase, explained: Explained
) -> None:
    shown = words(printed(kb, explained("open-1")))
    answer = (
        'To find out and document, if so: "Evidence for the dose submitted" is true; '
        '"Oncologist or hematologist consulted" is true.'
    )
    assert shown.count(answer) == 1
    assert shown.index("Approved if one of these is so") < shown.index(answer)
    assert "To ask next dose_evidence Was guideline" in shown
    assert "% of what is open." in shown
    assert "Not known, and it matters cycle_days How many days" in shown


def test_a_fact_in_the_way_is_named(kb: KnowledgeBase, explained: Explained) -> None:
    shown = words(printed(kb, explained("v3-5.21.071")))
    assert (
        "No obtainable change leads to approval. In the way: the diagnosis the drug is requested "
        "for, which cannot be changed."
    ) in shown


def test_what_is_wanted_heads_the_changes(kb: KnowledgeBase, explained: Explained) -> None:
    shown = printed(kb, explained("v1-CP.PHAR.302", want="deny"))
    assert "What would lead to a denial" in shown
    assert "Approved already" not in shown


def test_the_tree_is_short(kb: KnowledgeBase, explained: Explained) -> None:
    shown = printed(kb, explained("v2-CP.PHAR.302"))
    assert (
        "I.A.5.b  With pomalidomide, after two prior therapies and early progression ..." in shown
    )
    assert "I.A.5.b.ii" not in shown.split("Criteria")[1].split("It hangs")[0]
    assert "I.A.6.a" not in shown.split("Criteria")[1].split("It hangs")[0]


def test_readings_and_versions_are_shown_on_request(
    kb: KnowledgeBase, explained: Explained
) -> None:
    shown = printed(kb, explained("v2-CP.PHAR.302", across_readings=True, history=True))
    assert "It hangs on how the text is read" not in shown
    under = shown.split("Under each reading")[1]
    assert "> all_four        REFER    Diagnosis, age, regimen and dose" in under
    assert "  diagnosis_only  DENY     The diagnosis only" in under
    assert "No difference under after_six_months" in words(under)
    versions = shown.split("Under each version")[1]
    assert "      2022-08-01 to 2023-08-01  APPROVE  reconstructed" in versions
    assert "    > from 2025-08-01 on        REFER    published" in versions
    assert "met instead of not looked at: I.A.5 (dexamethasone alone)" in versions


def test_a_case_that_cannot_be_decided_shows_its_problem_alone(
    kb: KnowledgeBase, explained: Explained
) -> None:
    shown = printed(kb, explained("v1-5.21.071", policy="CP.PHAR.302"))
    assert "contradiction: Policy CP.PHAR.302 is written for line_of_business" in shown
    assert "Criteria" not in shown
    assert "approval" not in shown


def test_what_a_limit_left_out_is_said(kb: KnowledgeBase, explained: Explained) -> None:
    cut = replace(explained("v7-CP.PHAR.302"), limits=("changes: there are more",))
    assert "Not complete: changes: there are more" in printed(kb, cut)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_wider_than_the_terminal(
    kb: KnowledgeBase, explained: Explained, case: str, width: int
) -> None:
    shown = printed(kb, explained(case, across_readings=True, history=True), width)
    assert max(map(len, shown.splitlines())) <= width
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_text_of_a_case_cannot_steer_the_terminal(kb: KnowledgeBase, explained: Explained) -> None:
    explanation = explained("v7-CP.PHAR.302")
    hostile = replace(
        explanation, determination=replace(explanation.determination, id="\x1b[31m[bold]red\x07")
    )
    for shown in (printed(kb, hostile), beside(kb, hostile, hostile)):
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[bold]red" in shown


def test_one_case_under_several_policies_is_a_table(
    kb: KnowledgeBase, explained: Explained
) -> None:
    case = "v7-CP.PHAR.302"
    shown = beside(kb, explained(case, policy="5.21.071"), explained(case))
    assert max(map(len, shown.splitlines())) <= 80
    assert case in shown
    rows = [line for line in shown.splitlines() if line[1:2].isupper()]
    assert [row.split("  ")[0].strip() for row in rows] == [
        "Version",
        "Months",
        "Basis",
        "Decided by",
        "Not met",
        "Smallest",
    ]
    assert "APPROVE" in shown
    assert "DENY" in shown
    assert "12 months" in shown
    assert "None is needed." in shown
    assert "I.A.2: An oncologist or" in shown


def test_many_policies_are_broken_into_tables_that_fit(
    kb: KnowledgeBase, explained: Explained
) -> None:
    case = "v7-CP.PHAR.302"
    columns = [explained(case, policy="5.21.071"), explained(case)] * 3
    shown = beside(kb, *columns)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("APPROVE") == shown.count("DENY") == 3
    assert shown.count("Version") == 2


def test_the_smallest_change_is_said_of_approval_whatever_is_wanted(
    kb: KnowledgeBase, explained: Explained
) -> None:
    shown = words(beside(kb, explained("v7-CP.PHAR.302", want="refer")))
    assert "None was looked for." in shown
    blocked = words(beside(kb, explained("v3-5.21.071")))
    assert "No obtainable change leads to approval." in blocked


def test_outcomes_are_shown_in_the_order_of_the_policies(
    kb: KnowledgeBase, explained: Explained
) -> None:
    first, second = explained("v7-CP.PHAR.302"), explained("v7-CP.PHAR.302", policy="5.21.071")
    assert first.want == Want(Outcome.APPROVE)
    shown = beside(kb, first, second)
    assert shown.index("DENY") < shown.index("APPROVE")
