"""The commands `check`, `compare`, `diff`, `routes` and `tree`, run as their users run them."""

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from engine.analysis.analyst import Analyst
from engine.analysis.difference import Comparison, Route, Verdict
from engine.analysis.finding import Finding, FindingKind, Severity
from engine.determination import Outcome
from facts.errors import AcceptanceError, CaseError, PolicygroundsError, UnknownReadingError
from policygrounds import KnowledgeBase
from queries.accepted import Acceptance
from queries.command import main

ROOT = Path(__file__).parents[2]
OWN = ROOT / "examples" / "new_policy"
Run = Callable[..., Result]


@pytest.fixture
def run(
    kb: KnowledgeBase,
    monkeypatch: pytest.MonkeyPatch,
    findings: tuple[Finding, ...],
    comparison: Comparison,
    found_routes: tuple[Route, ...],
) -> Run:
    """Run a command on an analysis made by hand: FEP 5.21.071 alone has findings."""

    def check(_: object, policy: str, **__: object) -> tuple[Finding, ...]:
        return findings if policy == "5.21.071" else ()

    monkeypatch.setattr(KnowledgeBase, "load", staticmethod(lambda *_: kb))
    monkeypatch.setattr(KnowledgeBase, "check", check)
    monkeypatch.setattr(KnowledgeBase, "compare", lambda *_, **__: comparison)
    monkeypatch.setattr(KnowledgeBase, "diff", lambda *_: comparison)
    monkeypatch.setattr(KnowledgeBase, "routes", lambda *_, **__: found_routes)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def accept(monkeypatch: pytest.MonkeyPatch, *identifiers: str) -> None:
    accepted = {name: Acceptance(name, "Meant so.", "2025-09-15") for name in identifiers}
    monkeypatch.setattr(KnowledgeBase, "accepted", lambda *_: accepted)


ERROR = "5.21.071:never-met:Renewal.a"
WARNING = "5.21.071:reading-decides:progression_or_toxicity=not_both"


# check


@pytest.mark.parametrize(
    ("least", "accepted", "status"),
    [
        ("error", (), 1),
        ("error", (ERROR,), 0),
        ("warning", (ERROR,), 1),
        ("warning", (ERROR, WARNING), 0),
        ("note", (ERROR, WARNING), 1),
        ("never", (), 0),
    ],
)
def test_the_status_is_1_if_a_finding_counts(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    least: str,
    accepted: tuple[str, ...],
    status: int,
) -> None:
    accept(monkeypatch, *accepted)
    assert run("check", "5.21.071", "--fail-on", least).exit_code == status


def test_warnings_count_unless_said_otherwise(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(monkeypatch, ERROR)
    assert run("check", "5.21.071").exit_code == 1
    accept(monkeypatch, ERROR, WARNING)
    assert run("check", "5.21.071").exit_code == 0


def test_all_policies_are_checked_if_none_is_named(run: Run) -> None:
    result = run("check", "--json")
    assert [json.loads(line)["policy"] for line in result.stdout.splitlines()] == [
        "5.21.071",
        "CP.PHAR.302",
    ]
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert [finding["severity"] for finding in first["findings"]] == ["note", "error", "warning"]
    assert second["findings"] == []
    assert result.stderr == ""


def test_each_form_of_output(run: Run, tmp_path: Path) -> None:
    text = run("check", "5.21.071").stdout
    assert text.startswith("FEP 5.21.071, Ninlaro (ixazomib), version 2024-01-01: 1 error, ")
    assert run("check", "5.21.071", "--markdown").stdout.startswith(
        "# Policy check: FEP 5.21.071\n"
    )
    log = json.loads(run("check", "5.21.071", "--sarif").stdout)
    assert log["version"] == "2.1.0"
    assert len(log["runs"][0]["results"]) == 3
    page = tmp_path / "report.html"
    assert run("check", "5.21.071", "--html", page).stdout == text
    assert "No patient meets Renewal.a." in page.read_text("utf-8")


def test_witnesses_are_saved_and_can_be_decided_again(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "witnesses"
    result = run("check", "5.21.071", "--witnesses", folder)
    assert len(list(folder.iterdir())) == 3
    file = folder / "5.21.071_never-met_Renewal.a.1.json"
    assert f"policygrounds determine {file}\n" in result.stdout
    again = run("determine", file, "--json")
    assert json.loads(again.stdout)["outcome"] == "deny"


def test_a_finding_whose_witness_does_not_replay_is_left_out_loudly(
    run: Run, monkeypatch: pytest.MonkeyPatch, findings: tuple[Finding, ...]
) -> None:
    accept(monkeypatch, ERROR, WARNING)
    wrong = replace(findings[1].witnesses[0], outcome=Outcome.APPROVE)
    broken = (findings[0], replace(findings[1], witnesses=(wrong,)))
    monkeypatch.setattr(KnowledgeBase, "check", lambda *_, **__: broken)
    result = run("check", "5.21.071", "--json")
    assert result.exit_code == 1
    assert result.stderr == (
        f"policygrounds: DEFECT: a case that is to show {ERROR} does not; the finding is left "
        "out. This is an error of policygrounds; please report it.\n"
    )
    (shown,) = json.loads(result.stdout)["findings"]
    assert shown["kind"] == "same-criterion"


def test_check_proves_the_packaged_policy_of_fep(kb: KnowledgeBase) -> None:
    found = kb.check("5.21.071")
    assert found
    assert {finding.policy for finding in found} == {"5.21.071"}
    identifiers = [finding.id for finding in found]
    assert len(identifiers) == len(set(identifiers))
    assert found == kb.check("5.21.071")


def test_accepted_findings_lie_beside_the_policy_and_may_be_stale(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(OWN, folder)
    own = KnowledgeBase.load(folder)
    first, *_ = own.check("EX-101")
    gone = "EX-101:never-met:1.z"
    entries = [
        {"id": name, "reason": "Meant so.", "date": "2025-09-15"} for name in (first.id, gone)
    ]
    beside = folder / "policies" / "EX-101_pomalidomide.accepted.json"
    beside.write_text(json.dumps(entries))
    result = CliRunner().invoke(main, ["check", "--kb", str(folder), "--json"])
    found = {entry["id"]: entry for entry in json.loads(result.stdout)["findings"]}
    assert found[first.id]["accepted"] == {"reason": "Meant so.", "date": "2025-09-15"}
    stale = found[f"EX-101:stale-acceptance:{gone}"]
    assert (stale["severity"], stale["accepted"]) == ("warning", None)
    assert result.exit_code == 1
    earlier = own.check("EX-101", on="2024-06-01")
    assert not [finding for finding in earlier if finding.kind.value == "stale-acceptance"]
    beside.write_text("[{}]")
    result = CliRunner().invoke(main, ["check", "--kb", str(folder)])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == (
        f'policygrounds: {beside}: entry 1: id is missing or no text; write "id": "..."'
    )
    with pytest.raises(AcceptanceError):
        own.check("EX-101")


def own_folder(place: Path) -> Path:
    """Copy the example of an own policy, with a version that is over and nothing else beside it."""
    folder = place / "own folder"
    shutil.copytree(OWN, folder)
    stated = folder / "policies" / "EX-101_pomalidomide.lp"
    text = stated.read_text().replace("EX-101", "EX-102")
    (folder / "policies" / "EX-102.lp").write_text(
        text.replace(
            'version("EX-102", "2025-01-01", open', 'version("EX-102", "2025-01-01", "2025-06-01"'
        )
    )
    return folder


def test_the_command_that_replays_a_witness_works_as_it_is_printed(tmp_path: Path) -> None:
    folder, saved = own_folder(tmp_path), tmp_path / "the cases"
    words = ["check", "EX-101", "--kb", str(folder), "--witnesses", str(saved)]
    lines = map(str.strip, CliRunner().invoke(main, words).stdout.splitlines())
    commands = [shlex.split(line) for line in lines if line.startswith("policygrounds ")]
    assert len(commands) == len(list(saved.iterdir())) > 0
    for program, *replayed in commands:
        assert program == "policygrounds"
        result = CliRunner().invoke(main, replayed)
        assert result.exit_code == 0, result.stderr


def test_a_policy_that_is_not_in_force_keeps_no_other_from_being_checked(tmp_path: Path) -> None:
    words = ["check", "--kb", str(own_folder(tmp_path)), "--json", "--fail-on", "never"]
    result = CliRunner().invoke(main, words)
    assert [json.loads(line)["policy"] for line in result.stdout.splitlines()] == ["EX-101"]
    assert result.stderr.startswith("policygrounds: not checked: policy EX-102: no version covers")
    assert result.exit_code == 0
    result = CliRunner().invoke(main, [*words, "EX-102"])
    assert (result.exit_code, result.stdout) == (2, "")
    nobody = CliRunner().invoke(main, [*words, "--on", "2020-01-01"])
    assert (nobody.exit_code, nobody.stdout) == (2, "")


def test_a_check_says_if_there_is_nothing_to_hold_a_policy_against(tmp_path: Path) -> None:
    stated = (ROOT / "kb" / "policies" / "fep" / "5.21.071_ixazomib.lp").read_text()
    (tmp_path / "own.lp").write_text(stated)
    words = ["check", "--kb", str(tmp_path), "--json", "--fail-on", "never"]
    result = CliRunner().invoke(main, words)
    assert json.loads(result.stdout)["references"] == []
    said = result.stderr.split("add ")
    assert said[0].startswith("policygrounds: no reference on ixazomib is loaded")
    result = CliRunner().invoke(main, [*words, *shlex.split(said[1])])
    found = json.loads(result.stdout)
    assert "Ninlaro label" in found["references"]
    assert "looser-than-guideline" in {finding["kind"] for finding in found["findings"]}
    assert result.stderr == ""


def test_accepted_findings_beside_no_policy_are_refused(tmp_path: Path) -> None:
    folder = own_folder(tmp_path)
    stray = folder / "policies" / "EX-103.accepted.json"
    stray.write_text("[]")
    result = CliRunner().invoke(main, ["check", "EX-101", "--kb", str(folder)])
    assert result.exit_code == 2
    assert f"{stray}: there is no policy in a file of that name" in result.stderr


def test_a_check_that_was_not_finished_ends_with_2_and_calls_nothing_stale(
    run: Run, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, findings: tuple[Finding, ...]
) -> None:
    unfinished = replace(
        findings[0],
        kind=FindingKind.NOT_FINISHED,
        severity=Severity.ERROR,
        subject="renewal",
        sections=(),
        text="The check of renewal met a limit and was given up",
    )
    monkeypatch.setattr(KnowledgeBase, "check", lambda *_, **__: (*findings, unfinished))
    result = run("check", "5.21.071", "--fail-on", "never")
    assert result.exit_code == 2
    assert "The check of renewal met a limit and was given up." in result.stdout
    assert "No patient meets Renewal.a." in result.stdout
    log = json.loads(run("check", "5.21.071", "--sarif").stdout)["runs"][0]
    assert "not-finished" in [rule["id"] for rule in log["tool"]["driver"]["rules"]]
    monkeypatch.undo()
    monkeypatch.setattr(Analyst, "check", lambda *_: [unfinished])
    accept(monkeypatch, "5.21.071:never-met:gone")
    assert [finding.kind for finding in kb.check("5.21.071")] == [FindingKind.NOT_FINISHED]


def test_a_report_that_is_not_written_leaves_no_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise PolicygroundsError("stopped")

    monkeypatch.setattr(KnowledgeBase, "check", stop)
    page = tmp_path / "report.html"
    assert run("check", "5.21.071", "--html", page).exit_code == 2
    assert not page.exists()
    page.write_text("earlier")
    assert run("check", "5.21.071", "--html", page).exit_code == 2
    assert page.read_text() == "earlier"


@pytest.mark.parametrize("command", ["check", "compare", "diff", "routes"])
def test_the_help_says_what_each_exit_status_means(run: Run, command: str) -> None:
    said = " ".join(run(command, "--help").stdout.split())
    assert "Exit status: 0 if" in said
    assert "2 for bad input or if" in said


# compare, diff and routes


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            Verdict.UNDECIDED,
            "How 5.21.071 stands to CP.PHAR.302 is not known: a limit was met before it was certain.",
        ),
        (Verdict.INCOMPARABLE, "5.21.071 is stricter in some cases and looser in others"),
    ],
)
def test_a_comparison_that_met_a_limit_says_so_in_each_form_and_ends_with_2(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    comparison: Comparison,
    tmp_path: Path,
    verdict: Verdict,
    said: str,
) -> None:
    stopped = replace(comparison, verdict=verdict, differences=(), phases=(), complete=False)
    monkeypatch.setattr(KnowledgeBase, "compare", lambda *_, **__: stopped)
    page = tmp_path / "comparison.html"
    words = ("compare", "5.21.071", "CP.PHAR.302")
    for form in ("--all", "--markdown"):
        result = run(*words, form, "--html", page)
        assert result.exit_code == 2
        assert said in result.stdout
        assert "Not complete" in result.stdout
    assert f'<span class="badge {verdict}">{verdict}</span> {said}' in page.read_text("utf-8")
    assert run(*words, "--json").exit_code == 2
    found = json.loads(run(*words, "--json").stdout)
    assert (found["verdict"], found["complete"]) == (verdict.value, False)


def test_routes_that_do_not_lead_there_are_left_out_loudly(
    run: Run, monkeypatch: pytest.MonkeyPatch, found_routes: tuple[Route, ...]
) -> None:
    wrong = replace(found_routes[0], outcome="deny")
    monkeypatch.setattr(KnowledgeBase, "routes", lambda *_, **__: (wrong, *found_routes[1:]))
    result = run("routes", "5.21.071", "--json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["routes"]) == len(found_routes) - 1
    assert "DEFECT: 1 route of 5.21.071 to approve left out" in result.stderr


def test_a_comparison_in_each_form(run: Run, tmp_path: Path) -> None:
    for words in (
        ("compare", "5.21.071", "CP.PHAR.302"),
        ("diff", "CP.PHAR.302", "2024-09-01", "2025-09-01"),
    ):
        text = run(*words)
        assert text.exit_code == 0
        assert text.stdout.startswith("INCOMPARABLE  5.21.071, version 2024-01-01, and ")
        assert json.loads(run(*words, "--json").stdout)["verdict"] == "incomparable"
        assert run(*words, "--markdown").stdout.startswith("# Policies compared: 5.21.071 and ")
        page = tmp_path / "comparison.html"
        assert run(*words, "--html", page).stdout == text.stdout
        assert "5.21.071 approves, CP.PHAR.302 refers" in page.read_text("utf-8")


def test_more_than_two_policies_are_a_matrix(
    kb: KnowledgeBase, run: Run, monkeypatch: pytest.MonkeyPatch, comparison: Comparison
) -> None:
    third = replace(kb.policies["5.21.071"], number="5.21.072")
    policies = {**kb.policies, "5.21.072": third}
    monkeypatch.setattr(KnowledgeBase, "policies", policies)

    def compare(_: object, one: str, other: str, **__: object) -> Comparison:
        documents = {"first": (one, "2024-01-01"), "second": (other, "2025-08-01")}
        return replace(comparison, **documents, verdict=Verdict.STRICTER, differences=())  # type: ignore[arg-type]

    monkeypatch.setattr(KnowledgeBase, "compare", compare)
    words = ("compare", "5.21.071", "CP.PHAR.302", "5.21.072")
    text = run(*words).stdout
    assert text.startswith("How the policy of the row stands to that of the column:\n")
    assert text.count("STRICTER") == 3
    found = [json.loads(line) for line in run(*words, "--json").stdout.splitlines()]
    assert [(one["first"]["policy"], one["second"]["policy"]) for one in found] == [
        ("5.21.071", "CP.PHAR.302"),
        ("5.21.071", "5.21.072"),
        ("CP.PHAR.302", "5.21.072"),
    ]


def test_a_comparison_whose_witness_does_not_replay_is_left_out_loudly(
    run: Run, monkeypatch: pytest.MonkeyPatch, comparison: Comparison
) -> None:
    (difference, *_) = comparison.differences
    (region, *_) = difference.regions
    one, other = region.witnesses
    wrong = replace(region, witnesses=(replace(one, outcome=Outcome.DENY), other))
    broken = replace(comparison, differences=(replace(difference, regions=(wrong,)),))
    monkeypatch.setattr(KnowledgeBase, "compare", lambda *_, **__: broken)
    for form in ("--json", "--markdown", "--all"):
        result = run("compare", "5.21.071", "CP.PHAR.302", form)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "DEFECT: a case does not show how 5.21.071 of 2024-01-01 and " in result.stderr


def test_routes_in_each_form(run: Run, tmp_path: Path) -> None:
    text = run("routes", "5.21.071")
    assert text.exit_code == 0
    assert ": 4 routes to approve\n" in text.stdout
    found = json.loads(run("routes", "5.21.071", "--outcome", "deny", "--json").stdout)
    assert found["outcome"] == "deny"
    assert len(found["routes"]) == 4
    markdown = run("routes", "5.21.071", "--markdown").stdout
    assert markdown.startswith("# Routes to approve: FEP 5.21.071\n")
    page = tmp_path / "routes.html"
    for form, shown in (("--all", text.stdout), ("--markdown", markdown)):
        page.unlink(missing_ok=True)
        assert run("routes", "5.21.071", form, "--html", page).stdout == shown
        assert "<h1>Routes to approve: FEP 5.21.071</h1>" in page.read_text("utf-8")


def test_routes_are_not_written_down_with_those_that_do_not_lead_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, found_routes: tuple[Route, ...], tmp_path: Path
) -> None:
    wrong = replace(found_routes[0], outcome="deny")
    monkeypatch.setattr(KnowledgeBase, "routes", lambda *_, **__: (wrong, *found_routes[1:]))
    page = tmp_path / "routes.html"
    result = run("routes", "5.21.071", "--markdown", "--html", page)
    assert result.exit_code == 1
    assert "3 routes to approve" in result.stdout
    assert "3 routes to approve" in page.read_text("utf-8")


def test_the_routes_and_the_history_of_packaged_policies(kb: KnowledgeBase) -> None:
    pathways = {route.pathway for route in kb.routes("5.21.071", on="2025-09-15")}
    assert pathways == {"Prior-Approval", "Renewal"}
    same = kb.diff("5.21.071", "2024-02-01", "2025-02-01")
    assert (same.verdict, same.differences) == (Verdict.EQUIVALENT, ())


# Readings


SHARED = "in_combination_with"
BOTH = ("5.21.071", "CP.PHAR.302")
Asked = list[tuple[tuple[str, ...], Mapping[str, str]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, comparison: Comparison) -> Asked:
    """Remember which policies are checked and compared, and under which readings.

    To be asked for after `run`.
    """
    found: Asked = []

    def remember(name: str, answer: object) -> None:
        def ask(
            _: object, *policies: str, readings: Mapping[str, str], on: str | None = None
        ) -> object:
            assert on is None
            found.append((policies, readings))
            return answer

        monkeypatch.setattr(KnowledgeBase, name, ask)

    remember("check", ())
    remember("compare", comparison)
    return found


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ([f"{SHARED}=exactly"], ("exactly", "exactly")),
        ([f"CP.PHAR.302:{SHARED}=at_least"], (None, "at_least")),
        ([f"{SHARED}=exactly", f"CP.PHAR.302:{SHARED}=at_least"], ("exactly", "at_least")),
        ([f"CP.PHAR.302:{SHARED}=at_least", f"{SHARED}=exactly"], ("exactly", "at_least")),
    ],
)
def test_a_reading_that_two_policies_share_is_chosen_for_both_or_for_one(
    run: Run, asked: Asked, options: list[str], chosen: tuple[str | None, str]
) -> None:
    words = [word for option in options for word in ("--reading", option)]
    assert run("compare", *BOTH, *words).exit_code == 0
    own = dict(zip(BOTH, chosen, strict=True))
    assert asked == [(BOTH, {f"{number}:{SHARED}": c for number, c in own.items() if c})]
    asked.clear()
    assert run("check", *BOTH, *words).exit_code == 0
    assert asked == [((number,), {SHARED: c} if c else {}) for number, c in own.items()]


def two_policies(folder: Path) -> Path:
    """Write two policies that share a reading, on which how long they approve for hangs."""
    for number in ("A", "B"):
        file = folder / "policies" / f"{number}.lp"
        file.parent.mkdir(exist_ok=True)
        file.write_text(TERMS.replace("NUMBER", number))
    return folder


TERMS = """
policy("NUMBER", "Nobody", ixazomib, "Invented"). source("NUMBER", "Invented").
version("NUMBER", "2024-01-01", open, published, "Invented.").
reading("NUMBER", terms, "How long?"). reading_section("NUMBER", terms, "M").
choice("NUMBER", terms, long, "Long"). choice("NUMBER", terms, short, "Short").
default_choice("NUMBER", terms, long).
criterion("NUMBER", "1", "Adult"). pathway("NUMBER", "1"). applies("NUMBER", "1").
met("NUMBER", "1") :- at_least(age, 18).
provision("NUMBER", "M", "For how long").
months("NUMBER", "M", "1", 12) :- reads("NUMBER", terms, long).
months("NUMBER", "M", "1", 6) :- reads("NUMBER", terms, short).
provision("NUMBER", "D", "The rest is denied").
denies("NUMBER", "D", not_medically_necessary) :- not approved("NUMBER").
"""


def test_policies_are_compared_with_one_of_them_read_otherwise(tmp_path: Path) -> None:
    words = ["compare", "A", "B", "--kb", str(two_policies(tmp_path)), "--json", "--reading"]
    verdicts = {}
    for option in ("terms=short", "A:terms=short", "B:terms=short"):
        result = CliRunner().invoke(main, [*words, option])
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        verdicts[option] = (found["verdict"], found["readings"])
    short = {"terms": "short"}
    assert verdicts == {
        "terms=short": ("equivalent", [short, short]),
        "A:terms=short": ("stricter", [short, {}]),
        "B:terms=short": ("looser", [{}, short]),
    }


def test_the_command_shown_decides_a_witness_under_the_reading_of_its_own_policy(
    tmp_path: Path,
) -> None:
    kb, folder = str(two_policies(tmp_path)), tmp_path / "witnesses"
    words = ["check", "A", "B", "--kb", kb, "--witnesses", str(folder), "--reading"]
    shown = CliRunner().invoke(main, [*words, "B:terms=short"]).stdout
    commands = [line.split()[1:] for line in shown.splitlines() if "policygrounds " in line]
    months = {}
    for determine, file, *options in commands:
        given = [determine, file, *options, "--json"]
        answer = json.loads(CliRunner().invoke(main, given).stdout)
        months[Path(file).name, *options[:-2]] = answer["authorization"]["months"]
    assert months == {
        ("A_reading-decides_terms_short.1.json",): 12,
        ("A_reading-decides_terms_short.2.json", "--reading", "terms=short"): 6,
        ("B_reading-decides_terms_long.1.json", "--reading", "terms=short"): 6,
        ("B_reading-decides_terms_long.2.json",): 12,
    }


# tree


def test_a_tree_is_printed_or_drawn(run: Run, tmp_path: Path) -> None:
    text = run("tree", "CP.PHAR.302", "--on", "2025-09-15")
    assert text.exit_code == 0
    assert "├─ I.A.3  Age is 18 years or older\n" in text.stdout
    file = tmp_path / "tree.svg"
    result = run("tree", "CP.PHAR.302", "-o", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert ET.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  (our own)


# Bad input


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check CP.PHAR.303", "policy 'CP.PHAR.303' is not in the knowledge base; did you mean"),
        ("check 5.21.071 --on 2023-01-01", "policy 5.21.071: no version covers 2023-01-01"),
        ("check --on 2025-13-01", "--on 2025-13-01: expected a date such as 2025-09-15"),
        ("check --reading x=y", "--reading x=y: no policy has a reading 'x'"),
        (
            "check --reading other_use",
            "--reading other_use: expected NAME=CHOICE or POLICY:NAME=CHOICE",
        ),
        (
            "compare 5.21.071 CP.PHAR.302 --reading CP.PHAR.303:other_use=all_four",
            "'CP.PHAR.303' is none of the policies here; did you mean 'CP.PHAR.302'? (known: 5.21.071",
        ),
        (
            "check 5.21.071 --reading CP.PHAR.302:other_use=all_four",
            "'CP.PHAR.302' is none of the policies here (known: 5.21.071)",
        ),
        (
            "routes 5.21.071 --reading :other_use=all_four",
            "'' is none of the policies here (known: 5.21.071)",
        ),
        (
            "check --reading 5.21.071:in_combination=exactly",
            "no reading 'in_combination'; did you mean 'in_combination_with'? (known: in_combination",
        ),
        (
            "check --reading 5.21.071:other_use=all_four",
            "policy 5.21.071 has no reading 'other_use' (known: ",
        ),
        (
            "compare 5.21.071 CP.PHAR.302 --reading 5.21.071:in_combination_with=some",
            "the choices of '5.21.071:in_combination_with' are at_least, exactly",
        ),
        (
            "check --reading CP.PHAR.302:other_use=all_four --reading CP.PHAR.302:other_use=diagnosis_only",
            "'CP.PHAR.302:other_use' is chosen twice, differently",
        ),
        ("routes 5.21.071 --json --markdown", "--json cannot be combined with --markdown"),
        ("routes 5.21.071 --html /nowhere/x.html", "/nowhere/x.html: cannot be written: "),
        ("check --json --sarif", "--json cannot be combined with --sarif"),
        ("check --sarif --markdown", "--sarif cannot be combined with --markdown"),
        ("check 5.21.071 --html /nowhere/x.html", "/nowhere/x.html: cannot be written: "),
        (
            "compare 5.21.071 CP.PHAR.302 --html /nowhere/x.html",
            "/nowhere/x.html: cannot be written",
        ),
        ("diff CP.PHAR.302 2023-09-01 2024-09-01 --html /", "/: cannot be written: "),
        ("check 5.21.071 --witnesses /dev/null/x", "--witnesses /dev/null/x: cannot be written: "),
        ("check --kb /nowhere", "/nowhere: no such folder"),
        ("compare 5.21.071", "compare needs two policies or more, each once"),
        ("compare 5.21.071 5.21.071", "compare needs two policies or more, each once"),
        ("compare 5.21.071 X", "policy 'X' is not in the knowledge base"),
        ("compare 5.21.071 CP.PHAR.302 --on 2023-01-01", "no version covers 2023-01-01"),
        ("compare 5.21.071 CP.PHAR.302 --json --markdown", "cannot be combined with --markdown"),
        ("diff X 2024-01-01 2025-01-01", "policy 'X' is not in the knowledge base"),
        ("diff CP.PHAR.302 yesterday 2025-01-01", "FROM yesterday: expected a date such as"),
        ("diff CP.PHAR.302 2024-01-01 2025", "TO 2025: expected a date such as"),
        ("diff CP.PHAR.302 2020-01-01 2025-01-01", "no version covers 2020-01-01"),
        ("routes X", "policy 'X' is not in the knowledge base"),
        ("routes 5.21.071 --on 2023-01-01", "no version covers 2023-01-01"),
        ("tree X", "policy 'X' is not in the knowledge base"),
        ("tree 5.21.071 -o /nowhere/tree.svg", "/nowhere/tree.svg: cannot be written: "),
        ("tree 5.21.071 --on 2023-01-01", "no version covers 2023-01-01"),
    ],
)
@pytest.mark.usefixtures("loaded_once")
def test_bad_input_is_said_and_ends_with_2(words: str, said: str) -> None:
    result = CliRunner().invoke(main, words.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.startswith("policygrounds: ")


def test_unknown_outcomes_and_severities_are_refused() -> None:
    for words in (["routes", "5.21.071", "--outcome", "pend"], ["check", "--fail-on", "bad"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2
        assert "is not one of" in result.stderr


def test_python_gets_the_same_errors(kb: KnowledgeBase) -> None:
    with pytest.raises(PolicygroundsError, match="expected approve, refer or deny"):
        kb.routes("5.21.071", outcome="pend")
    with pytest.raises(CaseError, match="expected a date"):
        kb.check("5.21.071", on="today")
    with pytest.raises(UnknownReadingError, match="no reading 'x'"):
        kb.compare("5.21.071", "CP.PHAR.302", readings={"x": "y"})
    with pytest.raises(
        UnknownReadingError, match=r"no reading '5\.21\.071:other_use'; did you mean"
    ):
        kb.compare("5.21.071", "CP.PHAR.302", readings={"5.21.071:other_use": "all_four"})
    with pytest.raises(UnknownReadingError, match="no reading 'EX-101:other_use'"):
        kb.compare("5.21.071", "CP.PHAR.302", readings={"EX-101:other_use": "all_four"})
    with pytest.raises(UnknownReadingError, match=r"policy CP\.PHAR\.302: reading 'other_use'"):
        kb.compare("5.21.071", "CP.PHAR.302", readings={"CP.PHAR.302:other_use": "all"})
    with pytest.raises(UnknownReadingError, match="no reading 'x'"):
        kb.check("5.21.071", readings={"x": "y"})
