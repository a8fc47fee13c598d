"""The interview: what it asks, when it stops, and what it reads from what a person types."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import oracle
import pytest
from click.testing import CliRunner, Result

from policygrounds import Case, CaseError, KnowledgeBase
from queries.command import main
from queries.interview import Interview
from queries.prompts import read_answer

pytestmark = pytest.mark.usefixtures("loaded_once")

ON = "2025-09-15"
FEP, CENTENE = "5.21.071", "CP.PHAR.302"
VIGNETTES = Path(__file__).parents[2] / "examples" / "vignettes.json"
CASES = [Case.from_json(case) for case in json.loads(VIGNETTES.read_text())]
PATIENTS = 6


def begin(kb: KnowledgeBase, policy: str = FEP, **facts: object) -> Interview:
    return Interview(kb, Case(policy=policy, on=ON, facts=facts))


def ask_all(interview: Interview, patient: Mapping[str, object]) -> list[str]:
    """Answer from what is known of a patient until nothing is asked; return what was asked."""
    asked = []
    while (question := interview.question()) is not None:
        assert question.fact not in asked
        asked.append(question.fact)
        interview.answer(question.fact, patient.get(question.fact))
    assert interview.asked == asked
    return asked


# --- What it asks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.policy == FEP], ids=lambda case: case.id
)
def test_answers_from_a_complete_case_settle_its_outcome(kb: KnowledgeBase, case: Case) -> None:
    interview = Interview(kb, Case(policy=case.policy, on=case.on))
    asked = ask_all(interview, case.facts)
    assert interview.determination().outcome is kb.determine(case).outcome
    assert interview.case.facts == {fact: case.facts[fact] for fact in asked}


def test_the_second_policy_is_settled_too(kb: KnowledgeBase) -> None:
    case = next(case for case in CASES if case.policy == CENTENE)
    interview = Interview(kb, Case(policy=case.policy, on=case.on))
    ask_all(interview, case.facts)
    assert interview.determination().outcome is kb.determine(case).outcome


@pytest.mark.parametrize("policy", oracle.VERSIONS)
def test_clearly_fewer_questions_are_asked_than_there_are_facts(
    kb: KnowledgeBase, policy: str
) -> None:
    version = oracle.VERSIONS[policy][-1]
    nobody = Case(policy=policy, on=version)
    explained = kb.explain(nobody, only=["age"])
    facts = len({*explained.determination.unknown_that_matter, *explained.cannot_matter})
    rng = random.Random(f"interview {policy}")
    questions: list[int] = []
    while len(questions) < PATIENTS:
        patient = oracle.random_case(rng, policy, complete=True, free_budget=1)
        complete = kb.determine(replace(nobody, facts=patient))
        if complete.problems:
            continue
        interview = Interview(kb, nobody)
        questions.append(len(ask_all(interview, patient)))
        assert interview.determination().outcome is complete.outcome
    average = sum(questions) / PATIENTS
    print(f"{policy}: {average:.1f} questions on average, of {facts} facts")  # noqa: T201
    assert average < facts / 2


def test_what_does_not_matter_any_more_is_skipped(kb: KnowledgeBase) -> None:
    adult: dict[str, Any] = {"age": 50, "diagnosis": "multiple_myeloma"}
    first = begin(kb, request="initial", **adult)
    assert set(ask_all(first, {})) == {"prior_lines", "regimen"}
    renewal = begin(kb, request="continuation", **adult)
    assert set(ask_all(renewal, {})) == {"progression", "regimen", "unacceptable_toxicity"}


def test_what_is_known_is_not_asked_for(kb: KnowledgeBase) -> None:
    assert "age" in ask_all(begin(kb), {})
    assert "age" not in ask_all(begin(kb, age=50), {})


def test_it_stops_when_the_outcome_is_certain(kb: KnowledgeBase) -> None:
    interview = begin(kb)
    assert interview.question() is not None
    interview.answer("age", 12)
    assert interview.question() is None
    assert interview.determination().outcome.value == "deny"


def test_chosen_readings_decide_the_interview(kb: KnowledgeBase) -> None:
    case = next(case for case in CASES if case.id == "v1-5.21.071")
    exact = {"in_combination_with": "exactly"}
    interview = Interview(kb, Case(policy=FEP, on=ON), exact)
    ask_all(interview, case.facts)
    assert interview.determination().outcome is kb.determine(case, readings=exact).outcome
    assert interview.determination().outcome is not kb.determine(case).outcome


def test_passing_over_every_question_ends_open(kb: KnowledgeBase) -> None:
    interview = begin(kb)
    asked = ask_all(interview, {})
    assert set(asked) == set(interview.determination().unknown_that_matter)
    assert interview.determination().outcome.value == "pend"
    assert interview.case.facts == {}
    assert interview.question() is None


def test_an_answer_in_part_is_taken_and_not_asked_for_again(kb: KnowledgeBase) -> None:
    interview = begin(kb)
    interview.answer("age", {"at_most": 30})
    assert interview.case.facts == {"age": {"at_most": 30}}
    while (question := interview.question()) is not None:
        assert question.fact != "age"
        interview.answer(question.fact, None)


def test_the_last_answer_can_be_taken_back(kb: KnowledgeBase) -> None:
    interview = begin(kb)
    assert interview.take_back() is None
    first = interview.question()
    assert first is not None
    interview.answer(first.fact, None)
    interview.answer("age", 12)
    assert interview.question() is None
    assert interview.take_back() == "age"
    assert (interview.case.facts, interview.asked) == ({}, [first.fact])
    assert interview.question() not in (None, first)
    assert interview.take_back() == first.fact
    assert interview.question() == first
    assert interview.take_back() is None


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        ("refractory_to", ["bortezomib"], "refractory"),
        ("age", 400, "expected 0 to 120 years"),
        ("age", "old", "expected a number of years"),
        ("agee", 4, "did you mean 'age'?"),
    ],
)
def test_an_answer_that_cannot_stand_is_refused_and_takes_nothing(
    kb: KnowledgeBase, fact: str, value: object, expected: str
) -> None:
    interview = begin(kb, prior_drugs=["daratumumab"])
    before = interview.case
    with pytest.raises(CaseError) as error:
        interview.answer(fact, value)
    assert expected in str(error.value)
    assert interview.case is before
    assert interview.asked == []
    assert interview.take_back() is None


def test_a_case_that_contradicts_itself_is_not_asked_about(kb: KnowledgeBase) -> None:
    interview = begin(kb, prior_drugs=["daratumumab"], refractory_to=["bortezomib"])
    assert interview.question() is None


# --- What a person types --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "given", "expected"),
    [
        ("age", "", None),
        ("t_11_14", "?", None),
        ("t_11_14", "y", True),
        ("t_11_14", "Yes", True),
        ("t_11_14", "true", True),
        ("t_11_14", "n", False),
        ("t_11_14", "NO", False),
        ("t_11_14", "false", False),
        ("age", "67", 67),
        ("age", ">=18", {"at_least": 18}),
        ("age", ">= 18", {"at_least": 18}),
        ("age", "<= 64", {"at_most": 64}),
        ("age", "2-4", {"at_least": 2, "at_most": 4}),
        ("age", "2 - 4", {"at_least": 2, "at_most": 4}),
        ("weekly_dose_mg", "3.5", 3.5),
        ("weekly_dose_mg", ">=2.3", {"at_least": 2.3}),
        ("weekly_dose_mg", "2.5-4", {"at_least": 2.5, "at_most": 4}),
        ("age", "-5", -5),  # the vocabulary refuses it
        ("response", "stable", "stable"),
        ("response", "1", "complete"),
        ("response", "6", "very_good_partial"),
        ("response", "Very Good Partial", "very_good_partial"),
        ("response", "stable disease", "stable"),
        ("response", "1, stable", {"one_of": ["complete", "stable"]}),
        ("diagnosis", "C90.00", "multiple_myeloma"),
        ("substitution_reason", "none", "none"),
        ("regimen", "none", []),
        ("regimen", "None", []),
        ("regimen", "Ninlaro, dexamethasone,", ["ixazomib", "dexamethasone"]),
        ("regimen", "REVLIMID", ["lenalidomide"]),
        ("regimen", "other drug", ["other_drug"]),
        (
            "regimen",
            "+velcade, -Dexamethasone",
            {"includes": ["bortezomib"], "excludes": ["dexamethasone"]},
        ),
        ("regimen", "+ ixazomib", {"includes": ["ixazomib"], "excludes": []}),
    ],
)
def test_what_is_typed_is_read(kb: KnowledgeBase, fact: str, given: str, expected: object) -> None:
    assert read_answer(kb.vocabulary.facts[fact], given) == expected


@pytest.mark.parametrize(
    ("fact", "given", "expected"),
    [
        ("t_11_14", "maybe", "expected yes or no, not 'maybe'"),
        ("age", "old", "expected a number, or a bound"),
        ("age", ">=", "not '>='"),
        ("age", "2-", "not '2-'"),
        ("age", "6 7", "not '6 7'"),
        ("age", "<4", "not '<4'"),
        ("response", "7", "'7' is none of these"),
        ("response", "0", "'0' is none of these"),
        ("response", "stabel", "'stabel' is none of these; did you mean 'stable'?"),
        ("response", ",", "expected names"),
        ("regimen", ",", "expected names"),
        ("regimen", "1", "'1' is none of these"),
        ("regimen", "lenalidomid", "did you mean 'lenalidomide'?"),
        ("regimen", "none, ixazomib", "'none' is none of these"),
        ("regimen", "+ixazomib, dexamethasone", "either all names with + or -, or all without"),
        ("regimen", "+", "is none of these"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    kb: KnowledgeBase, fact: str, given: str, expected: str
) -> None:
    with pytest.raises(CaseError) as error:
        read_answer(kb.vocabulary.facts[fact], given)
    (problem,) = error.value.problems
    assert expected in problem


@pytest.mark.parametrize(
    ("fact", "given", "expected"),
    [
        ("age", "-5", "expected 0 to 120 years"),
        ("age", "4-2", "at_least is above at_most"),
        ("age", "6.5", "expected a whole number of years"),
        ("age", "nan", "expected a number of years"),
        ("age", "1e400", "expected a number of years"),
        ("weekly_dose_mg", "3.55", "at most 1 decimal"),
        ("regimen", "+ixazomib, -ixazomib", "both included and excluded: ixazomib"),
    ],
)
def test_what_is_read_but_does_not_fit_is_refused_by_the_interview(
    kb: KnowledgeBase, fact: str, given: str, expected: str
) -> None:
    with pytest.raises(CaseError) as error:
        begin(kb).answer(fact, read_answer(kb.vocabulary.facts[fact], given))
    assert expected in str(error.value)


# --- The command ----------------------------------------------------------------------------


@pytest.fixture
def talk() -> "Talk":
    return Talk()


class Talk:
    """Runs `interview` under the first policy, with lines piped to it."""

    def __call__(self, *given: str, options: tuple[str | Path, ...] = ()) -> Result:
        arguments = ["interview", FEP, "--on", ON, *(str(option) for option in options)]
        return CliRunner().invoke(main, arguments, input="".join(f"{line}\n" for line in given))


def test_a_conversation_ends_with_the_outcome(talk: Talk) -> None:
    result = talk("1", "12")
    assert result.exit_code == 0
    assert "1. Is this a first request for the drug, or a continuation" in result.stdout
    assert "2. How old is the patient" in result.stdout
    assert "DENY  FEP 5.21.071" in result.stdout
    assert result.stdout.endswith("2 questions asked; the outcome is certain.\n")


def test_quit_and_the_end_of_input_stop_it(talk: Talk) -> None:
    for given in (["initial", "quit"], ["initial"]):
        result = talk(*given)
        assert result.exit_code == 0
        assert result.exception is None
        assert "PEND  FEP 5.21.071" in result.stdout
        assert result.stdout.endswith("1 question asked; the outcome is still open.\n")


def test_bad_input_asks_again(talk: Talk) -> None:
    result = talk("perhaps", "initial", "old", "400", "12")
    assert "'perhaps' is none of these" in result.stdout
    assert "not 'old'" in result.stdout
    assert "expected 0 to 120 years" in result.stdout
    assert "2 questions asked; the outcome is certain." in result.stdout


def test_back_takes_the_last_answer_back(talk: Talk, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    result = talk("back", "initial", "back", "continuation", "quit", options=("--save", file))
    assert "There is no answer to take back." in result.stdout
    assert "Taken back: request" in result.stdout
    assert json.loads(file.read_text())["facts"] == {"request": "continuation"}


def test_passing_over_every_question_is_said_to_be_open(talk: Talk) -> None:
    result = talk(*[""] * 20)
    assert "7 questions asked; the outcome is still open." in result.stdout


def test_a_case_is_saved_and_resumed(talk: Talk, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    both = ("--case", file, "--save", file)
    first = talk("initial", options=both)  # there is no such file yet
    assert f"The case is saved in {file}." in first.stdout
    assert json.loads(file.read_text()) == {
        "policy": FEP,
        "on": ON,
        "facts": {"request": "initial"},
    }
    second = talk("12", options=both)
    assert "1. How old is the patient" in second.stdout
    assert "1 question asked; the outcome is certain." in second.stdout
    saved = Case.from_json(json.loads(file.read_text()))
    assert saved.facts == {"request": "initial", "age": 12}


def test_a_case_is_saved_though_nothing_is_left_to_ask(talk: Talk, tmp_path: Path) -> None:
    given, saved = tmp_path / "given.json", tmp_path / "saved.json"
    given.write_text(json.dumps({"id": "child", "policy": CENTENE, "facts": {"age": 12}}))
    result = talk(options=("--case", given, "--save", saved))
    assert "0 questions asked; the outcome is certain." in result.stdout
    assert json.loads(saved.read_text()) == {
        "id": "child",
        "policy": FEP,
        "on": ON,
        "facts": {"age": 12},
    }


def test_a_case_with_decimals_is_saved(talk: Talk, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    facts = {"weekly_dose_mg": 2.3, "months_since_induction": {"at_least": 6.5}}
    file.write_text(json.dumps({"policy": FEP, "facts": facts}))
    assert talk("quit", options=("--case", file, "--save", file)).exception is None
    assert json.loads(file.read_text())["facts"] == facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "expected one case"),
        ('[{"policy": "x", "facts": {}}, {"policy": "x", "facts": {}}]', "expected one case"),
        ("no case", "expected JSON"),
        ('{"policy": "5.21.071"}', "facts: expected an object"),
        ('{"policy": "5.21.071", "facts": {"agee": 1}}', "did you mean 'age'?"),
    ],
)
def test_a_file_without_one_good_case_ends_with_status_2(
    talk: Talk, tmp_path: Path, text: str, expected: str
) -> None:
    file = tmp_path / "case.json"
    file.write_text(text)
    result = talk(options=("--case", file))
    assert result.exit_code == 2
    assert expected in result.stderr


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(talk: Talk, tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "case.json"
    read = talk(options=("--case", missing))
    assert (read.exit_code, read.stdout) == (2, "")
    assert f"{missing}: No such file or directory" in read.stderr
    written = talk("initial", options=("--save", missing))
    assert written.exit_code == 2
    assert f"{missing}: cannot be written" in written.stderr


def test_wrong_options_are_refused_before_anything_is_asked(talk: Talk) -> None:
    for options, expected in (
        (("--on", "today"), "--on today: expected a date"),
        (("--reading", "in_combination_with=some"), "the choices of 'in_combination_with' are"),
    ):
        result = talk(options=options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert expected in result.stderr
    result = CliRunner().invoke(main, ["interview", "5.21.072"])
    assert result.exit_code == 2
    assert "did you mean '5.21.071'?" in result.stderr
