"""Determination letters: what they say, to whom, and how hard they are to read."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.explanation import Explanation
from policygrounds import Case, KnowledgeBase
from queries.letters import DRAFT, letter, letter_page

Explained = Callable[..., Explanation]
CASES = [
    "v1-5.21.071",
    "v1-CP.PHAR.302",
    "v2-CP.PHAR.302",
    "v3-5.21.071",
    "v7-CP.PHAR.302",
    "open-1",
]
GOLDEN = Path(__file__).parent / "golden"
GRADE = 8


def written(kb: KnowledgeBase, explanation: Explanation) -> str:
    return letter(explanation, kb.policies[explanation.determination.policy], kb.vocabulary)


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("case", ["v1-CP.PHAR.302", "v2-CP.PHAR.302", "v7-CP.PHAR.302", "open-1"])
def test_a_letter_looks_as_it_is_to_look(
    kb: KnowledgeBase, explained: Explained, case: str
) -> None:
    text = written(kb, explained(case))
    file = GOLDEN / f"{case}.letter.txt"
    if os.environ.get("POLICYGROUNDS_GOLDEN") == "write":
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8")


@pytest.mark.parametrize("case", CASES)
def test_a_letter_fits_its_columns(kb: KnowledgeBase, explained: Explained, case: str) -> None:
    assert max(map(len, written(kb, explained(case)).splitlines())) <= 72


@pytest.mark.parametrize("case", CASES)
def test_an_adverse_letter_is_marked_as_a_draft_at_the_top_and_at_the_bottom(
    kb: KnowledgeBase, explained: Explained, case: str
) -> None:
    explanation = explained(case)
    text = written(kb, explanation)
    html = letter_page(explanation, kb.policies[explanation.determination.policy], kb.vocabulary)
    adverse = case in ("v3-5.21.071", "v7-CP.PHAR.302")
    for shown in (text, html):
        assert shown.count(DRAFT) == 2 * adverse
    if adverse:
        assert DRAFT in text.splitlines()[1]
        assert DRAFT in text.splitlines()[-3]
    assert ("Draft of a letter" in html) is adverse


def test_a_case_that_can_only_be_referred_or_denied_gets_a_draft(kb: KnowledgeBase) -> None:
    facts = {"request": "initial", "diagnosis": "multiple_myeloma", "age": 67, "prior_lines": 0}
    case = Case(policy="5.21.071", on="2025-09-15", facts=facts)
    explanation = kb.explain(case)
    assert explanation.determination.needs_clinician
    assert DRAFT in written(kb, explanation)


def test_an_approval_says_for_how_long_and_how_much(
    kb: KnowledgeBase, explained: Explained
) -> None:
    text = words(written(kb, explained("v1-CP.PHAR.302")))
    assert "It is approved. The approval is for 6 months." in text
    assert "It covers at most 3 capsules in 28 days (section I.A.6.a)." in text
    assert "Section I.A.3: Age is 18 years or older." in text
    assert "could lead to another answer" not in text.lower()
    assert "appeal" not in text


def test_a_referral_says_where_the_request_goes_and_what_happens_next(
    kb: KnowledgeBase, explained: Explained
) -> None:
    text = words(written(kb, explained("v2-CP.PHAR.302")))
    assert "It goes on to another policy: CP.PMN.53." in text
    assert "We will check it under that policy next." in text
    assert (
        "Section I.A.5: Prescribed in one of the listed ways. One of these would be enough:" in text
    )


def test_a_denial_gives_its_basis_the_rules_and_how_to_appeal(
    kb: KnowledgeBase, explained: Explained
) -> None:
    text = words(written(kb, explained("v7-CP.PHAR.302")))
    assert "It is not approved. Under the policy it is not medically necessary." in text
    assert (
        "These rules are not met: - Section I.A.2: An oncologist or hematologist prescribes it or "
        "was consulted."
    ) in text
    assert '"Oncologist or hematologist consulted" would have to be true.' in text
    assert "This is not advice about treatment." in text
    assert "This is called an appeal." in text
    investigational = words(written(kb, explained("v3-5.21.071")))
    assert "Under the policy this use is investigational." in investigational
    assert (
        "What stands in the way cannot be changed: the diagnosis the drug is requested for."
        in investigational
    )


def test_a_request_that_fails_under_every_pathway_is_given_the_rules_of_each(
    kb: KnowledgeBase,
) -> None:
    facts = {"diagnosis": "multiple_myeloma", "age": 10}
    explanation = kb.explain(Case(policy="5.21.071", on="2025-09-15", facts=facts))
    text = words(written(kb, explanation))
    assert "Section Prior-Approval.Age: Age is 18 years or older." in text
    assert "Section Renewal.Age: Age is 18 years or older." in text
    assert "Section 5.21.071" not in text


def test_an_open_case_is_asked_for_what_is_needed_first(
    kb: KnowledgeBase, explained: Explained
) -> None:
    explanation = explained("open-1")
    text = words(written(kb, explanation))
    assert "We cannot decide it yet." in text
    assert explanation.next_question
    asked = text.index(explanation.next_question.question)
    assert asked < text.index("In how many weeks of a cycle is the drug taken?")
    assert "Please send what we need by [last day]" in text


def test_facts_that_do_not_fit_together_are_asked_about(
    kb: KnowledgeBase, contradicted: Explanation
) -> None:
    text = words(written(kb, contradicted))
    assert (
        "What we were told does not fit together. Primary treatment cannot follow a completed "
        "line of therapy. Please tell us what is right."
    ) in text
    assert "prior_lines" not in text


@pytest.mark.parametrize("case", CASES)
def test_a_letter_leaves_to_the_plan_what_only_the_plan_knows(
    kb: KnowledgeBase, explained: Explained, case: str
) -> None:
    text = written(kb, explained(case))
    for blank in ("[Plan name]", "[Date]", "Dear [Member name]:", "[Plan phone and hours]"):
        assert blank in words(text)
    assert case in text
    nameless = explained(case)
    nameless = replace(nameless, determination=replace(nameless.determination, id=None))
    assert "[Reference number]" in written(kb, nameless)


@pytest.mark.parametrize("case", CASES)
def test_a_letter_tells_no_fact_of_the_patient(
    kb: KnowledgeBase, explained: Explained, case: str
) -> None:
    """The rules a request does not meet are its reasons; what else is known of a patient is not."""
    text = written(kb, explained(case))
    for fact in ("67", "200", "Relapsed", "newly diagnosed", "Medicaid", "Federal Employee"):
        assert fact not in text.replace("5.21.071", "")


def test_a_letter_offers_no_correction_of_the_record_and_no_change_of_what_is_fixed(
    kb: KnowledgeBase, explained: Explained
) -> None:
    for case in CASES:
        text = words(written(kb, explained(case, include_fixed=True)))
        assert "Only if the record is wrong" not in text
        assert "Cannot be changed" not in text


def test_changes_that_lead_elsewhere_are_not_in_a_letter(
    kb: KnowledgeBase, explained: Explained
) -> None:
    text = written(kb, explained("v1-CP.PHAR.302", want="deny"))
    assert "To prescribe" not in text
    assert "ANOTHER ANSWER" not in written(kb, explained("v7-CP.PHAR.302", want="refer"))


@pytest.mark.parametrize("case", CASES)
def test_a_letter_can_be_read_at_the_level_of_the_eighth_grade(
    kb: KnowledgeBase, explained: Explained, case: str
) -> None:
    text = written(kb, explained(case)).split("Dear ")[1].split("Sincerely")[0]
    text = re.sub(r"\[[^\]]*\]|\(?[Ss]ection [^\s:]+( \([^)]*\))?:?\)?|\*+", "", text)
    assert grade(text) <= GRADE


def grade(text: str) -> float:
    """Measure a text by the formula of Flesch and Kincaid (1975), a school grade."""
    sentences = [one for one in re.split(r"[.?!]\s|\n\n|\n- |\n  - ", text) if one.strip()]
    spoken = re.findall(r"[A-Za-z]+(?:['-][A-Za-z]+)*", text)
    syllables = sum(map(count_syllables, spoken))
    return 0.39 * len(spoken) / len(sentences) + 11.8 * syllables / len(spoken) - 15.59


def count_syllables(word: str) -> int:
    """Count groups of vowels, without a silent e at the end."""
    plain = re.sub(r"(?<=[^aeiouyl])e$|(?<=[^aeiouytd])ed$", "", word.lower())
    return max(1, len(re.findall(r"[aeiouy]+", plain)))


def test_the_measure_of_reading_tells_easy_from_hard() -> None:
    assert grade("The cat sat on the mat. The dog ran to it.") < 1
    hard = (
        "Notwithstanding the aforementioned considerations, authorization determinations "
        "necessitate comprehensive documentation of therapeutic alternatives previously attempted."
    )
    assert grade(hard) > 18
