"""The command `explain`, run as its users run it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policygrounds import KnowledgeBase
from queries.command import main

pytestmark = pytest.mark.usefixtures("loaded_once")

EXAMPLES = Path(__file__).parents[2] / "examples"
DENIED_FILE = EXAMPLES / "denied.json"
DENIED = json.loads(DENIED_FILE.read_text())
PARTIAL = json.loads((EXAMPLES / "partial.json").read_text())
VIGNETTES = {case["id"]: case for case in json.loads((EXAMPLES / "vignettes.json").read_text())}
APPROVED = VIGNETTES["v1-5.21.071"]
CHILD = {"id": "child", "policy": "5.21.071", "on": "2025-09-15", "facts": {"age": 12}}
BAD = {"id": "bad", "policy": "CP.PHAR.302", "facts": {"agee": 1}}
BOTH = ["--policy", "CP.PHAR.302", "--policy", "5.21.071"]


@pytest.fixture
def run() -> "Command":
    return Command()


class Command:
    """Runs `explain` with cases on standard input, or with a file of them."""

    def __call__(self, cases: object, *options: str | Path) -> Result:
        given = None if isinstance(cases, Path) else json.dumps(cases)
        file = str(cases) if isinstance(cases, Path) else "-"
        return CliRunner().invoke(
            main, ["explain", file, *(str(option) for option in options)], input=given
        )


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def one(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.stderr
    (answer,) = lines(result)
    return answer


def changed_facts(answer: dict[str, object]) -> list[list[str]]:
    changes = answer["changes"]
    assert isinstance(changes, list)
    return [sorted(change["facts"]) for change in changes]


# --- JSON -----------------------------------------------------------------------------------


def test_json_is_one_object_a_case_in_order_and_nothing_else(run: Command) -> None:
    result = run([DENIED, APPROVED, PARTIAL], "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert [(answer["id"], answer["outcome"]) for answer in lines(result)] == [
        ("denied-1", "deny"),
        ("v1-5.21.071", "approve"),
        ("open-1", "pend"),
    ]


def test_an_explanation_has_the_keys_programs_rely_on(run: Command) -> None:
    keys = {
        "id",
        "policy",
        "outcome",
        "want",
        "changes",
        "reasons",
        "approve_if",
        "matter",
        "next_question",
        "complete",
    }
    denied, pending = lines(run([DENIED, PARTIAL], "--json"))
    assert keys <= denied.keys()
    assert keys <= pending.keys()
    assert "readings" not in denied
    assert "history" not in denied
    assert (denied["policy"], denied["want"], denied["complete"]) == (
        "CP.PHAR.302",
        "approve",
        True,
    )
    assert changed_facts(denied) == [["paid_by_plan"], ["days_on_drug"]]
    assert denied["reasons"]
    assert denied["matter"] == []
    assert denied["next_question"] is None
    assert pending["reasons"] == []
    assert pending["approve_if"]
    matter, question = pending["matter"], pending["next_question"]
    assert isinstance(matter, list)
    assert isinstance(question, dict)
    assert question["fact"] in matter
    assert {"fact", "question", "settles"} == question.keys()


def test_bad_cases_are_answered_in_place_and_the_others_go_on(run: Command) -> None:
    result = run([DENIED, BAD, APPROVED], "--json")
    assert result.exit_code == 2
    first, second, third = lines(result)
    assert (first["outcome"], third["outcome"]) == ("deny", "approve")
    assert second == {
        "id": "bad",
        "error": "standard input, case 2: case bad: fact 'agee' is not in the vocabulary; "
        "did you mean 'age'?",
    }


# --- What is asked for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("want", "meant"),
    [
        ("approve", "approve"),
        ("refer", "refer"),
        ("months=12", "approve, months=12"),
        ("12 months", "approve, months=12"),
        ("approve, months=12", "approve, months=12"),
        ("basis=investigational", "deny, basis=investigational"),
        ("deny,basis=investigational", "deny, basis=investigational"),
    ],
)
def test_what_is_wanted_can_be_said_in_several_forms(run: Command, want: str, meant: str) -> None:
    assert one(run(APPROVED, "--json", "--want", want))["want"] == meant


def test_changes_lead_to_what_is_wanted(run: Command) -> None:
    answer = one(run(DENIED, "--json", "--want", "months=12"))
    assert changed_facts(answer) == [["paid_by_plan"], ["days_on_drug"]]
    reached = one(run(DENIED, "--json", "--want", "deny"))
    assert (reached["reached"], reached["changes"]) == (True, [])


@pytest.mark.parametrize(
    ("want", "expected"),
    [
        ("aprove", "'aprove' cannot be asked for; did you mean 'approve'?"),
        ("month=3", "'month=3' cannot be asked for; did you mean 'months='?"),
        ("deny, months=3", "it speaks of more than one outcome"),
        ("", "'' cannot be asked for"),
        ("months=", "'months=' cannot be asked for"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_and_nothing_else_is_printed(
    run: Command, want: str, expected: str
) -> None:
    for options in ([], ["--json"], ["--html"]):
        result = run(DENIED, "--want", want, *options)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1
        assert expected in result.stderr


def test_fixed_facts_are_offered_for_change_only_on_request(run: Command) -> None:
    plain = one(run(CHILD, "--json"))
    assert (plain["changes"], plain["in_the_way"]) == ([], [["age"]])
    whole = one(run(CHILD, "--json", "--include-fixed"))
    changes = changed_facts(whole)
    assert changes
    assert all("age" in facts for facts in changes)


def test_only_limits_changes_to_facts_and_members(run: Command) -> None:
    answer = one(run(DENIED, "--json", "--only", "days_on_drug", "--only", "regimen.lenalidomide"))
    assert answer["only"] == ["days_on_drug", "regimen.lenalidomide"]
    assert changed_facts(answer) == [["days_on_drug"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--only", "agee"], "did you mean 'age'?"),
        (["--only", "regimen.lenalidomid"], "did you mean 'regimen.lenalidomide'?"),
        (["--policy", "5.21.072"], "did you mean '5.21.071'?"),
        (["--policy", "5.21.071", "--policy", "nowhere"], "policy 'nowhere' is not in"),
        (["--on", "15.09.2025"], "--on 15.09.2025: expected a date such as 2025-09-15"),
        (["--reading", "othr_use=x"], "did you mean 'other_use'?"),
        (
            ["--policy", "5.21.071", "--reading", "CP.PHAR.302:other_use=all_four"],
            "'CP.PHAR.302' is none of the policies here (known: 5.21.071)",
        ),
        (["--json", "--markdown"], "--json cannot be combined with"),
        (["--json", "--html"], "--json cannot be combined with"),
        (["--json", "--letter"], "--json cannot be combined with"),
        (["--letter", "--markdown"], "there is no Markdown of it"),
        (["-o", "never-written"], "--output needs --markdown, --html or --letter"),
        (["--json", "-o", "never-written"], "--output needs --markdown, --html or --letter"),
    ],
)
def test_wrong_calls_end_with_status_2_and_a_message_on_standard_error(
    run: Command, arguments: list[str], expected: str
) -> None:
    result = run(DENIED_FILE, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
    assert not Path("never-written").exists()


def test_a_file_that_cannot_be_read_is_named(run: Command) -> None:
    result = run(Path("no-such-file.json"), "--markdown")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no-such-file.json: No such file or directory" in result.stderr


# --- Policies, readings, versions -----------------------------------------------------------


def test_several_policies_are_answered_case_by_case(run: Command) -> None:
    result = run([APPROVED, DENIED], *BOTH, "--json")
    assert [(answer["id"], answer["policy"]) for answer in lines(result)] == [
        ("v1-5.21.071", "CP.PHAR.302"),
        ("v1-5.21.071", "5.21.071"),
        ("denied-1", "CP.PHAR.302"),
        ("denied-1", "5.21.071"),
    ]


def test_several_policies_are_shown_side_by_side(run: Command) -> None:
    result = run([DENIED], *BOTH)
    assert result.exit_code == 0
    outcomes, names = result.stdout.splitlines()[2:4]
    assert outcomes.split() == ["DENY", "PEND"]
    assert names.split() == ["Centene", "CP.PHAR.302", "FEP", "5.21.071"]
    assert "Smallest" in result.stdout


def test_an_error_stands_between_the_tables_of_the_cases_around_it(run: Command) -> None:
    result = run([{**DENIED, "id": "first"}, BAD, {**DENIED, "id": "third"}], *BOTH)
    assert result.exit_code == 2
    shown = result.stdout
    assert shown.index("first") < shown.index("case bad") < shown.index("third")
    assert "6 answers: 2 deny, 2 error, 2 pend" in shown


def test_one_policy_is_explained_in_place_of_the_own_one_of_a_case(run: Command) -> None:
    assert one(run(DENIED, "--json", "--policy", "5.21.071"))["policy"] == "5.21.071"


def test_readings_shows_the_outcome_under_each(run: Command, kb: KnowledgeBase) -> None:
    readings = one(run(APPROVED, "--json", "--readings"))["readings"]
    assert isinstance(readings, list)
    known = kb.policy("5.21.071").readings
    assert {reading["name"] for reading in readings} == known.keys()
    chosen = {reading["name"]: reading["choice"] for reading in readings if reading["chosen"]}
    assert chosen == {name: reading.default for name, reading in known.items()}
    by_choice = {(reading["name"], reading["choice"]): reading["outcome"] for reading in readings}
    assert by_choice["in_combination_with", "at_least"] == "approve"
    assert by_choice["in_combination_with", "exactly"] == "deny"
    shown = run(APPROVED, "--readings").stdout
    assert "Under each reading" in shown
    assert "Under each version" not in shown


def test_a_chosen_reading_decides(run: Command) -> None:
    answer = one(run(APPROVED, "--json", "--reading", "in_combination_with=exactly"))
    assert answer["outcome"] == "deny"


def test_a_reading_is_chosen_for_one_of_the_policies_side_by_side(run: Command) -> None:
    read = ("--reading", "5.21.071:in_combination_with=exactly")
    default = [answer["outcome"] for answer in lines(run(APPROVED, *BOTH, "--json"))]
    changed = [answer["outcome"] for answer in lines(run(APPROVED, *BOTH, "--json", *read))]
    assert changed == [default[0], "deny"]
    assert default[1] == "approve"


def test_history_shows_the_outcome_under_each_version(run: Command) -> None:
    history = one(run(DENIED, "--json", "--history"))["history"]
    assert isinstance(history, list)
    assert [(version["version"], version["outcome"]) for version in history] == [
        ("2022-08-01", "deny"),
        ("2023-08-01", "deny"),
        ("2024-08-01", "deny"),
        ("2025-08-01", "deny"),
    ]
    assert [version["current"] for version in history] == [False, False, False, True]
    shown = run(DENIED, "--history").stdout
    assert "Under each version" in shown
    assert "> from 2025-08-01 on        DENY     published" in shown


# --- Documents ------------------------------------------------------------------------------


def test_documents_are_printed_whole_and_alone(run: Command) -> None:
    markdown = run(DENIED, "--markdown")
    assert markdown.exit_code == 0
    assert markdown.stdout.startswith("#")
    assert "denied-1" in markdown.stdout
    page = run(DENIED, "--html")
    assert page.stdout.lower().startswith("<!doctype html>")
    assert page.stdout.rstrip().endswith("</html>")
    letter = run(DENIED, "--letter")
    assert "DRAFT FOR CLINICIAN REVIEW" in letter.stdout
    assert "Dear [Member name]:" in letter.stdout
    letter_page = run(DENIED, "--letter", "--html")
    assert letter_page.stdout.lower().startswith("<!doctype html>")
    assert "Dear [Member name]:" in letter_page.stdout
    assert {markdown.stderr, page.stderr, letter.stderr, letter_page.stderr} == {""}


def test_each_case_has_a_letter_and_a_form_feed_divides_them(run: Command) -> None:
    result = run([DENIED, APPROVED], "--letter")
    letters = result.stdout.split("\f")
    assert len(letters) == 2
    assert "Reference: denied-1" in letters[0]
    assert "Reference: v1-5.21.071" in letters[1]


def test_the_page_of_a_letter_is_of_one_case(run: Command) -> None:
    result = run([DENIED, APPROVED], "--letter", "--html")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "writes the page of one letter, and there are 2" in result.stderr


@pytest.mark.parametrize("form", [["--markdown"], ["--html"], ["--letter"], ["--letter", "--html"]])
def test_a_document_is_written_to_a_file_as_it_would_be_printed(
    run: Command, tmp_path: Path, form: list[str]
) -> None:
    file = tmp_path / "written"
    result = run(APPROVED, *form, "-o", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text("utf-8") == run(APPROVED, *form).stdout


def test_a_file_that_cannot_be_written_is_named(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "page.html"
    result = run(APPROVED, "--html", "-o", file)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{file}: cannot be written: No such file or directory" in result.stderr


@pytest.mark.parametrize("form", ["--markdown", "--html", "--letter"])
def test_errors_go_to_standard_error_when_a_document_is_printed(run: Command, form: str) -> None:
    result = run([APPROVED, BAD], form)
    assert result.exit_code == 2
    assert "agee" not in result.stdout
    assert "5.21.071" in result.stdout
    assert "case bad" in result.stderr
    assert "did you mean 'age'?" in result.stderr
    assert "2 cases: 1 approve, 1 error" in result.stderr


# --- For a person ---------------------------------------------------------------------------


def test_a_person_sees_why_and_what_would_change_it(run: Command) -> None:
    result = run(DENIED_FILE)
    assert result.exit_code == 0
    assert result.stdout.startswith("DENY  denied-1  Centene CP.PHAR.302")
    assert "Denied because of these facts, whatever else is so:" in result.stdout
    assert "What would lead to approval" in result.stdout
    assert "a clinician must review it" in result.stdout


def test_a_person_sees_the_error_in_place_and_how_many_cases_ended_how(run: Command) -> None:
    result = run([DENIED, BAD, APPROVED])
    assert result.exit_code == 2
    shown = result.stdout
    assert shown.index("denied-1") < shown.index("case bad") < shown.index("APPROVE  v1-5.21.071")
    assert shown.endswith("\n3 cases: 1 approve, 1 deny, 1 error\n")


def test_on_decides_as_of_that_date(run: Command) -> None:
    assert one(run(DENIED, "--json", "--on", "2023-07-31"))["version"] == "2022-08-01"
