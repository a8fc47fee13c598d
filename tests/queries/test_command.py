"""The command line, run as its users run it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from engine import diagram
from engine.compiled import CompiledOutcome
from queries.command import main

pytestmark = pytest.mark.usefixtures("loaded_once")

ROOT = Path(__file__).parents[2]
VIGNETTES = ROOT / "examples" / "vignettes.json"
NEW_POLICY = ROOT / "examples" / "new_policy"
APPROVED = json.loads(VIGNETTES.read_text())[1]
UNDECIDED = {"id": "open", "policy": "CP.PHAR.302", "on": "2025-09-15", "facts": {"age": 67}}


@pytest.fixture
def run() -> "Command":
    return Command()


class Command:
    def __call__(self, *arguments: str | Path, given: str | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_json_is_one_object_a_case_in_order_and_nothing_else(run: Command) -> None:
    result = run("determine", VIGNETTES, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    given = json.loads(VIGNETTES.read_text())
    assert [answer["id"] for answer in lines(result)] == [case["id"] for case in given]


def test_a_determination_has_the_keys_programs_rely_on(run: Command) -> None:
    (answer,) = lines(run("determine", "-", "--json", given=json.dumps(APPROVED)))
    assert {
        "id": "v1-CP.PHAR.302",
        "policy": "CP.PHAR.302",
        "version": "2025-08-01",
        "outcome": "approve",
        "basis": "medically_necessary",
        "pathway": "I.A",
        "refer_to": [],
        "unknown_that_matter": [],
        "readings": [],
        "needs_clinician": False,
        "problems": [],
    }.items() <= answer.items()
    assert answer["authorization"]["months"] == 6  # type: ignore[index]
    criteria = answer["criteria"]
    assert isinstance(criteria, dict)
    assert (criteria["section"], criteria["status"]) == ("I.A", "met")
    assert {"section", "status", "text", "parts"} <= criteria["parts"][0].keys()


def test_bad_cases_are_answered_in_place_and_the_others_go_on(run: Command) -> None:
    bad = {"id": "bad", "policy": "CP.PHAR.302", "facts": {"agee": 1}}
    given = "\n".join([json.dumps(APPROVED), json.dumps(bad), "{", json.dumps(UNDECIDED)])
    result = run("determine", "-", "--json", given=given)
    assert result.exit_code == 2
    first, second, third, fourth = lines(result)
    assert first["outcome"] == "approve"
    assert second.keys() == third.keys() == {"id", "error"}
    assert second["id"] == "bad"
    assert second["error"] == (
        "standard input, line 2: case bad: fact 'agee' is not in the vocabulary; "
        "did you mean 'age'?"
    )
    assert third["id"] is None
    assert fourth["outcome"] == "pend"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"policy": "CP.PHAR.303"}, "did you mean 'CP.PHAR.302'?"),
        ({"on": "2022-07-31"}, "its versions are 2022-08-01 to 2023-08-01"),
        ({"on": "15.09.2025"}, "on: expected a date such as 2025-09-15"),
        ({"facts": {"age": 400}}, "expected 0 to 120 years"),
        ({"facts": {"age": "67"}}, "expected a number of years, got a text"),
        ({"facts": {"t_11_14": "yes"}}, "expected true or false, got a text"),
        ({"facts": {"regimen": ["lenalidomid"]}}, "did you mean 'lenalidomide'?"),
        (
            {"facts": {"diagnosis": "myeloma"}},
            "expected one of al_amyloidosis, lymphoplasmacytic_lymphoma",
        ),
        ({"facts": {"prior_lines": {"atleast": 1}}}, "did you mean 'at_least'?"),
        ({"facts": None}, "facts: expected an object"),
        ({"policy": None}, "policy: expected the number of a policy"),
    ],
)
def test_an_error_names_file_case_and_what_was_expected(
    run: Command, tmp_path: Path, case: dict[str, object], expected: str
) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({**UNDECIDED, **case}))
    for options in ([], ["--json"]):
        result = run("determine", file, *options)
        assert result.exit_code == 2
        said = " ".join(result.stdout.split())
        assert "line 1: case open" in said
        assert expected in said
        assert str(file) in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["determine", "no-such-file.json"], "no-such-file.json: No such file or directory"),
        (["determine", str(ROOT)], "Is a directory"),
        (["determine", str(ROOT / "Makefile")], "expected JSON"),
        (["determine", str(VIGNETTES), "--on", "yesterday"], "--on yesterday: expected a date"),
        (["determine", str(VIGNETTES), "--reading", "other_use"], "expected NAME=CHOICE"),
        (["determine", str(VIGNETTES), "--reading", "othr_use=x"], "did you mean 'other_use'?"),
        (["determine", str(VIGNETTES), "--reading", "other_use=all"], "all_four, diagnosis_only"),
        (
            ["determine", str(VIGNETTES), "--reading", "CP.PHAR.303:other_use=all_four"],
            "'CP.PHAR.303' is none of the policies here; did you mean 'CP.PHAR.302'?",
        ),
        (
            ["determine", str(VIGNETTES), "--reading", "5.21.071:other_use=all_four"],
            "policy 5.21.071 has no reading 'other_use' (known: in_combination_with, ",
        ),
        (["determine", str(VIGNETTES), "--kb", "no-such-folder"], "no such folder"),
        (["policies", "5.21.072"], "did you mean '5.21.071'?"),
        (["facts", "agee"], "did you mean 'age'?"),
    ],
)
def test_wrong_calls_end_with_status_2_and_a_message_on_standard_error(
    run: Command, arguments: list[str], expected: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr


def test_on_decides_every_case_as_of_that_date(run: Command) -> None:
    (old,) = lines(
        run("determine", "-", "--json", "--on", "2023-07-31", given=json.dumps(APPROVED))
    )
    assert (old["version"], old["version_status"]) == ("2022-08-01", "reconstructed")


def test_a_reading_is_chosen_for_the_policies_that_have_it(run: Command) -> None:
    result = run("determine", VIGNETTES, "--json", "--reading", "other_use=diagnosis_only")
    outcomes = {answer["id"]: answer["outcome"] for answer in lines(result)}
    assert outcomes["v2-CP.PHAR.302"] == "deny"
    assert outcomes["v2-5.21.071"] == "approve"


def test_a_reading_is_chosen_for_one_of_the_policies_that_have_it(run: Command) -> None:
    def outcomes(*chosen: str) -> dict[object, object]:
        options = [word for choice in chosen for word in ("--reading", choice)]
        answers = lines(run("determine", VIGNETTES, "--json", *options))
        return {answer["id"]: answer["outcome"] for answer in answers}

    shared, only = "in_combination_with=exactly", "5.21.071:in_combination_with=exactly"
    default, changed = outcomes(), outcomes(only)
    assert changed == outcomes(shared)
    assert default["v1-5.21.071"] != changed["v1-5.21.071"]
    assert outcomes("CP.PHAR.302:in_combination_with=exactly") == default
    assert outcomes(shared, "5.21.071:in_combination_with=at_least") == default


def test_a_person_sees_outcome_tree_and_what_is_missing(run: Command) -> None:
    shown = run("determine", "-", given=json.dumps(UNDECIDED)).stdout
    assert shown.startswith("PEND  open  Centene CP.PHAR.302")
    assert "I.A.3  Age is 18 years or older" in shown
    assert "Not known, and it matters" in shown
    assert "diagnosis  For which diagnosis is the drug requested?" in shown


def test_a_denial_says_that_a_clinician_must_review_it(run: Command) -> None:
    shown = run("determine", VIGNETTES).stdout
    assert "a clinician must review it" in shown.split("DENY  v3-5.21.071")[1].split("\n\n")[2]
    assert "16 cases: 11 approve, 3 deny, 2 refer" in shown


def test_text_of_a_case_cannot_steer_the_terminal(run: Command) -> None:
    given = json.dumps({**UNDECIDED, "id": "\x1b[31m[bold]red\x07"})
    for case in (given, given.replace('"age"', '"agee"')):
        shown = run("determine", "-", given=case).stdout
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[bold]red" in shown


def test_there_is_no_colour_when_piped_and_there_is_in_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(json.loads(VIGNETTES.read_text())[0]))
    command = [sys.executable, "-m", "policygrounds", "determine", str(file)]
    piped = subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout
    assert b"\x1b" not in piped
    assert all(line == line.rstrip() for line in piped.decode().splitlines())
    outside, inside = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=inside, cwd=ROOT, env=environment) as process:
        os.close(inside)
        seen = everything(outside)
        process.wait()
    os.close(outside)
    assert b"\x1b[1;32mAPPROVE" in seen


def test_output_for_an_ascii_terminal_is_ascii() -> None:
    command = [sys.executable, "-m", "policygrounds", "determine", str(VIGNETTES)]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environment)
    assert "|-- + I.A.1" in shown.stdout.decode("ascii")


def test_a_name_the_terminal_cannot_show_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([{**UNDECIDED, "id": "M\u00fcller"}, UNDECIDED]))
    command = [sys.executable, "-m", "policygrounds", "determine", str(file)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environment)
    assert b"PEND  M?ller" in shown.stdout
    assert b"2 cases: 2 pend" in shown.stdout


def test_a_file_that_is_not_utf_8_answers_no_other_patient(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "cases.ndjson"
    latin = json.dumps({**UNDECIDED, "id": "M\u00fcller"}, ensure_ascii=False).encode("latin-1")
    file.write_bytes(latin + b"\n" + json.dumps(UNDECIDED).encode())
    result = run("determine", file, "--json")
    assert result.exit_code == 2
    first, second = lines(result)
    assert "the text is not UTF-8" in str(first["error"])
    assert second["id"] == "open"


def test_a_byte_order_mark_is_no_obstacle(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(UNDECIDED).encode())
    assert run("determine", file, "--json").exit_code == 0


def test_a_long_input_has_a_progress_bar_at_a_terminal_that_shows_no_answers(
    tmp_path: Path,
) -> None:
    file, answers = tmp_path / "cases.ndjson", tmp_path / "answers.ndjson"
    file.write_text((json.dumps({**UNDECIDED, "note": "x" * 50_000}) + "\n") * 8)
    command = [sys.executable, "-m", "policygrounds", "determine", str(file), "--json"]
    for watched in (False, True):
        outside, inside = pty.openpty()
        with answers.open("w") as stdout:
            process = subprocess.Popen(
                command, stdout=stdout if watched else inside, stderr=inside, cwd=ROOT
            )
            os.close(inside)
            seen = everything(outside)
            assert process.wait() == 0
        os.close(outside)
        assert (b"Deciding" in seen) is watched
    assert len(answers.read_text().splitlines()) == 8


def everything(descriptor: int) -> bytes:
    """Read a terminal until the program behind it has ended."""
    seen = b""
    while True:
        try:
            some = os.read(descriptor, 65536)
        except OSError:
            return seen
        if not some:
            return seen
        seen += some


def test_policies_lists_numbers_and_versions(run: Command) -> None:
    shown = run("policies").stdout
    assert "2022-08-01 to 2023-08-01 (reconstructed)" in shown
    by_number = {policy["policy"]: policy for policy in lines(run("policies", "--json"))}
    versions = by_number["CP.PHAR.302"]["versions"]
    assert isinstance(versions, list)
    assert [(version["version"], version["status"]) for version in versions] == [
        ("2022-08-01", "reconstructed"),
        ("2023-08-01", "reconstructed"),
        ("2024-08-01", "reconstructed"),
        ("2025-08-01", "published"),
    ]


def test_a_policy_is_shown_with_its_readings(run: Command) -> None:
    shown = run("policies", "5.21.071").stdout
    assert "in_combination_with" in shown
    assert shown.index("at_least") < shown.index("exactly  Dexamethasone")


def test_prove_shows_that_outcomes_are_unique(run: Command) -> None:
    result = run("policies", "--prove", "--json")
    assert result.exit_code == 0
    assert [proof["one_outcome"] for proof in lines(result)] == [True] * 5


def test_prove_prints_the_case_that_breaks_a_policy(run: Command, tmp_path: Path) -> None:
    text = (ROOT / "kb/policies/fep/5.21.071_ixazomib.lp").read_text()
    broken = text.replace(
        "    not is(diagnosis, multiple_myeloma).\n", "    is(diagnosis, other).\n"
    )
    assert broken != text
    (tmp_path / "broken.lp").write_text(broken)
    result = run("policies", "--prove", "--json", "--kb", tmp_path)
    assert result.exit_code == 1
    (proof,) = lines(result)
    counterexample = proof["counterexample"]
    assert isinstance(counterexample, dict)
    assert counterexample["outcomes"] == []
    case = {"policy": "5.21.071", "facts": counterexample["facts"]}
    (answer,) = lines(run("determine", "-", "--json", "--kb", tmp_path, given=json.dumps(case)))
    assert answer["outcome"] == "pend"
    assert [problem["kind"] for problem in answer["problems"]] == ["gap"]  # type: ignore[attr-defined]


def test_facts_lists_the_vocabulary(run: Command) -> None:
    assert "days_to_progression" in run("facts").stdout
    (vocabulary,) = lines(run("facts", "--json"))
    facts = vocabulary["facts"]
    assert isinstance(facts, list)
    assert {"regimen", "t_11_14", "weekly_dose_mg"} <= {fact["fact"] for fact in facts}
    (fact,) = lines(run("facts", "weekly_dose_mg", "--json"))
    assert (fact["unit"], fact["range"], fact["decimals"]) == ("mg", [0, 100], 1)
    assert "Oncologist" in run("facts", "prescriber").stdout


def test_the_schema_accepts_what_the_reader_accepts(run: Command) -> None:
    schema = json.loads(run("facts", "--schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(VIGNETTES.read_text()))
    partial = {
        "regimen": {"includes": ["dexamethasone"]},
        "prior_lines": {"at_least": 1},
        "diagnosis": {"one_of": ["multiple_myeloma", "other"]},
        "t_11_14": None,
        "weekly_dose_mg": 2.3,
    }
    validator.validate({"policy": "5.21.071", "facts": partial})
    for wrong in ({"agee": 1}, {"age": 400}, {"age": "67"}, {"regimen": ["x"]}, {"t_11_14": 1}):
        assert not validator.is_valid({"policy": "5.21.071", "facts": wrong})


def test_a_new_policy_is_decided_without_python(run: Command) -> None:
    result = run("determine", NEW_POLICY / "cases.json", "--kb", NEW_POLICY, "--json")
    assert result.exit_code == 0
    assert {answer["id"]: answer["outcome"] for answer in lines(result)} == {
        "approved": "approve",
        "denied-with-a-third-partner": "deny",
        "referred-other-diagnosis": "refer",
        "pended-safety-program-unknown": "pend",
        "approved-in-2024-without-the-program": "approve",
        "approved-though-partly-known": "approve",
    }
    proof = run("policies", "--prove", "--kb", NEW_POLICY, "--json")
    assert [version["one_outcome"] for version in lines(proof)] == [True, True]


def test_a_long_input_is_answered_as_a_stream() -> None:
    command = [sys.executable, "-m", "policygrounds", "determine", "-", "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(json.dumps({**UNDECIDED, "id": str(number)}) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == str(number)
        process.stdin.close()
        assert process.wait() == 0


def test_verify_proves_each_version_of_a_policy(run: Command) -> None:
    result = run("verify", "5.21.071")
    assert result.exit_code == 0
    assert "5.21.071 2024-01-01: compiled outcomes proved for every complete case, 3 of 3" in (
        " ".join(result.stdout.split())
    )
    rows = lines(run("verify", "5.21.071", "--json"))
    assert [row["proved"] for row in rows] == [True] * 3
    assert rows[0]["readings"] == {}
    assert "did you mean '5.21.071'" in run("verify", "5.21.072").stderr


def test_verify_fails_where_a_compiled_outcome_is_not_proved(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CompiledOutcome, "equals", lambda *_: False)
    result = run("verify", "5.21.071")
    assert result.exit_code == 1
    assert "NOT PROVED under the default readings: decided by the solver" in result.stdout
    monkeypatch.setattr(diagram, "MOST_NODES", 10)
    result = run("verify", "5.21.071")
    assert result.exit_code == 0
    assert "too large to compile under the default readings: decided by the solver" in result.stdout
