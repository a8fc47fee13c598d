"""The command `query`, run as its users run it."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

from facts.errors import CrossCheckError
from policygrounds import KnowledgeBase
from queries import asking
from queries.command import main
from queries.saved import library

pytestmark = pytest.mark.usefixtures("loaded_once")

EXAMPLES = Path(__file__).parents[2] / "examples"
VIGNETTES = EXAMPLES / "vignettes.json"
ON = ("--on", "2025-09-15")
POLICIES = "policy(Policy, Payer, _, _)"
GOOD = {"id": "good", "policy": "5.21.071", "on": "2025-09-15", "facts": {"age": 12}}


@pytest.fixture
def run() -> "Command":
    return Command()


class Command:
    """Runs `query`; `given` is on standard input."""

    def __call__(self, *arguments: str | Path, given: str | None = None) -> Result:
        return CliRunner().invoke(main, ["query", *map(str, arguments)], input=given)


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [line.rstrip() for line in result.stdout.splitlines()]


def refused(result: Result) -> str:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert all(line.startswith("policygrounds: ") for line in result.stderr.splitlines())
    return result.stderr


# What is asked


def test_a_query_is_answered_with_a_table(run: Command) -> None:
    assert lines(run(POLICIES)) == [
        "Policy       Payer",
        "5.21.071     FEP",
        "CP.PHAR.302  Centene",
        "",
        "2 rows",
    ]


def test_a_query_without_variables_is_answered_with_yes_or_no(run: Command) -> None:
    assert lines(run('policy("5.21.071", _, ixazomib, _)')) == ["yes"]
    assert lines(run('policy("5.21.071", _, bortezomib, _)')) == ["no"]


def test_a_saved_query_is_asked_by_name_and_with_its_parameters(run: Command) -> None:
    shown = lines(run("--name", "sections_asking", "--set", "fact=t_11_14", *ON))
    assert shown[0].split() == ["Policy", "Section", "Text"]
    assert shown[1].startswith("CP.PHAR.302  I.A.5.c")
    assert shown[-1] == "1 row"


def test_a_query_in_a_file_is_asked_with_values_that_are_never_taken_for_rules(
    run: Command, tmp_path: Path
) -> None:
    file = tmp_path / "mine.dl"
    file.write_text("found(Payer) :- policy(_, Payer, _, $title).\n")
    assert lines(run("--file", file, "--set", "title=Ninlaro (ixazomib)"))[1] == "FEP"
    hostile = run("--file", file, "--set", 'title="), policy(_, Payer, _, _')
    assert lines(hostile) == ["0 rows"]


def test_cases_are_asked_about_and_readings_chosen(run: Command) -> None:
    outcomes = 'determined("v1-5.21.071", _, _, Outcome)'
    assert lines(run(outcomes, "--cases", VIGNETTES))[1] == "approve"
    exactly = ("--reading", "5.21.071:in_combination_with=exactly")
    assert lines(run(outcomes, "--cases", VIGNETTES, *exactly))[1] == "deny"


def test_cases_can_come_from_several_files_and_standard_input(run: Command) -> None:
    asked = "case(Case, _, _), N = count(Case)"
    given = json.dumps(GOOD)
    result = run(
        "x(N) :- case(Case, _, _), N = count(Case).",
        *("--cases", VIGNETTES, "--cases", EXAMPLES / "denied.json", "--cases", "-"),
        given=given,
    )
    assert lines(result)[1].strip() == "18", asked


def test_the_date_says_which_versions_are_current(run: Command) -> None:
    asked = 'current("CP.PHAR.302", Version)'
    assert lines(run(asked, "--on", "2024-02-01"))[1] == "2023-08-01"
    assert lines(run(asked, "--on", "2025-08-01"))[1] == "2025-08-01"


# Forms


def test_json_is_one_object_and_nothing_else(run: Command) -> None:
    result = run(POLICIES, "--json")
    assert json.loads(result.stdout)["rows"] == [["5.21.071", "FEP"], ["CP.PHAR.302", "Centene"]]
    assert (result.exit_code, result.stderr) == (0, "")


def test_csv_and_markdown_are_printed(run: Command) -> None:
    read = list(csv.reader(StringIO(run(POLICIES, "--csv").stdout)))
    assert read == [["Policy", "Payer"], ["5.21.071", "FEP"], ["CP.PHAR.302", "Centene"]]
    assert lines(run(POLICIES, "--markdown"))[2] == "| 5.21.071 | FEP |"


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.md", "a.parquet"])
def test_a_file_is_written_in_the_form_of_its_name(run: Command, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    assert lines(run(POLICIES, "-o", file)) == []
    content = file.read_bytes()
    if name == "a.parquet":
        rows = parquet.read_table(BytesIO(content)).to_pylist()
        assert rows[0] == {"Policy": "5.21.071", "Payer": "FEP"}
    else:
        assert b"CP.PHAR.302" in content


def test_a_form_asked_for_goes_before_the_name_of_the_file(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "answer.txt"
    assert lines(run(POLICIES, "--json", "-o", file)) == []
    assert json.loads(file.read_text())["rows"]


def test_the_first_rows_alone_are_given_on_request(run: Command) -> None:
    asked = ("drug(Drug, _)", "--limit", "3")
    assert lines(run(*asked))[-1] == "3 of 20 rows"
    assert len(json.loads(run(*asked, "--json").stdout)["rows"]) == 3


# What is wrong


def test_an_error_points_at_the_place_and_suggests_the_name(run: Command) -> None:
    message = refused(run("policy(P, _, D, _), drugg(D, _)")).splitlines()
    assert message[0].endswith("query:1:21: relation 'drugg' is unknown; did you mean 'drug'?")
    prefix = "policygrounds:     "
    assert message[1] == f"{prefix}policy(P, _, D, _), drugg(D, _)"
    assert message[2] == f"{prefix}                    ^^^^^"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no query: give one as text, by --name (--list lists them) or by --file"),
        ((POLICIES, "--name", "drug_codes"), "give one query"),
        (("--name", "drug_code"), "no saved query 'drug_code'; did you mean 'drug_codes'?"),
        (("--name", "drug_codes"), "drug_codes.dl"),
        (("--name", "drug_codes", "--set", "drug"), "--set drug: expected NAME=VALUE"),
        (("--name", "drug_codes", "--set", "drug=ixazomb"), "did you mean 'ixazomib'?"),
        (("--name", "drug_codes", "--set", "dug=ixazomib"), "'dug'"),
        (
            ("--name", "drug_codes", "--set", "drug=ixazomib", "--set", "drug=bortezomib"),
            "'drug' is set twice, differently",
        ),
        (("--file", "nowhere.dl"), "nowhere.dl: cannot be read: No such file or directory"),
        ((POLICIES, "-o", "answer.xlsx"), "answer.xlsx: the name has to end in one of .csv"),
        ((POLICIES, "-o", "no/answer.csv"), "no/answer.csv: cannot be written"),
        ((POLICIES, "--csv", "--json"), "--csv cannot be combined with --json"),
        ((POLICIES, "--on", "yesterday"), "--on yesterday: expected a date such as"),
        ((POLICIES, "--reading", "nothing=no"), "no policy has a reading 'nothing'"),
        (("determined(C, _, _, _)",), "name a file of them with --cases"),
        ((POLICIES, "--cases", "nowhere.json"), "nowhere.json: No such file or directory"),
        (("--list", "--csv"), "--csv is for answers; what there is, is listed as text or JSON"),
        (("--relations", "polcy"), "relation 'polcy' is unknown; did you mean 'policy'?"),
        (("policy(P, _, _, _), drug(D, _), code(C, _, X, _, _)", "--seconds", "0.001"), "seconds"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_remedy(
    run: Command, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(run(*arguments))


def test_a_bad_case_is_reported_with_its_place_and_the_others_are_asked_about(
    run: Command, tmp_path: Path
) -> None:
    bad = {"id": "bad", "policy": "5.21.071", "facts": {"agee": 12}}
    file = tmp_path / "cases.ndjson"
    file.write_text("\n".join(map(json.dumps, [GOOD, bad, {"id": 5}, GOOD])) + "\nno case\n")
    result = run("determined(Case, _, _, Outcome)", "--cases", file)
    assert result.exit_code == 2
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["Case", "Outcome"],
        ["good", "deny"],
        [],
        ["1", "row"],
    ]
    said = result.stderr.splitlines()
    assert any(f"{file}, line 2: case bad: " in line and "'agee'" in line for line in said)
    assert any(f"{file}, line 3: " in line for line in said)
    assert any(f"{file}, line 4: case good: another has this id" in line for line in said)
    assert any(f"{file}, line 5: " in line and "not JSON" in line for line in said)


def test_no_answer_shows_a_value_of_a_case_in_an_error(run: Command, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps({**GOOD, "facts": {"age": 123456}}))
    result = run("determined(Case, _, _, Outcome)", "--cases", file)
    assert result.exit_code == 2
    assert "123456" not in result.stderr


# The cross-check


def test_clingo_is_asked_too_on_request(run: Command) -> None:
    result = run(POLICIES, "--check")
    assert (result.exit_code, result.stderr) == (0, "clingo gives the same 2 rows\n")


def test_another_answer_of_clingo_is_a_defect(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(*_: object, **__: object) -> None:
        raise CrossCheckError("pyDatalog gives 2 rows and clingo 1")

    monkeypatch.setattr(asking, "check", differ)
    result = run(POLICIES, "--check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("policygrounds: DEFECT: pyDatalog gives 2 rows and clingo 1")


# What there is


def test_saved_queries_are_listed_with_sentence_parameters_and_command(run: Command) -> None:
    shown = lines(run("--list"))
    for name, saved in library().items():
        assert f"{name}  {saved.sentence}" in shown
        for parameter in saved.parameters:
            assert f"    ${parameter.name}  {parameter.meaning}" in shown
    assert "    policygrounds query --name missing_facts --cases FILE" in shown
    assert "    policygrounds query --name drug_codes --set drug=ixazomib" in shown


def test_saved_queries_are_listed_as_json_a_query_a_line(run: Command) -> None:
    read = [json.loads(line) for line in lines(run("--list", "--json"))]
    assert [each["name"] for each in read] == list(library())
    assert {each["name"]: each["example"] for each in read}["drug_codes"] == {"drug": "ixazomib"}


def test_relations_are_listed_by_topic_and_described_one_by_one(
    run: Command, kb: KnowledgeBase
) -> None:
    shown = lines(run("--relations"))
    for relation in kb.relations().relations.values():
        columns = ", ".join(column.name for column in relation.columns)
        assert f"    {relation.name}({columns})" in shown
        assert f"        {relation.meaning}" in shown
        assert f"  {relation.topic}" in shown
    assert lines(run("--relations", "contains"))[3:] == [
        "Column  Values  Joins with",
        "route   text    columns of route",
        "drug    text    columns of drug",
    ]


def test_a_relation_is_described_as_json(run: Command) -> None:
    (only,) = lines(run("--relations", "contains", "--json"))
    described = json.loads(only)
    assert described["relation"] == "contains"
    assert described["columns"][0] == {"name": "route", "type": "text", "domain": "route"}
