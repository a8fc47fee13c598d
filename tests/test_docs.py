"""What the pages show is what the product does."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from policygrounds import KnowledgeBase, KnowledgeBaseError
from queries.command import main

ROOT = Path(__file__).parents[1]
LANGUAGE = (ROOT / "docs" / "policy-language.md").read_text()
EXAMPLE = ROOT / "examples" / "new_policy"
FILE = "EX-101_pomalidomide.lp"


def instead(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def added(lines: str) -> Callable[[str], str]:
    return lambda text: text + lines


FAULTS = [
    instead("at_least(age, 18)", "at_least(agee, 18)"),
    instead("is(request, initial)", "is(request, inital)"),
    instead("yes(clot_prevention)", "is(clot_prevention, high)"),
    instead('"0.5"', '"0.55"'),
    instead("at_least(age, 18)", "at_least(age, 400)"),
    instead('combined("EX-101").', 'combined_with("EX-101").'),
    instead('met("EX-101", "3.a").', 'met("EX-101", "3.b").'),
    instead('since("2025-01-01")', 'since("2025-02-01")'),
    instead('met("EX-101", "2.b")', 'met("EX-102", "2.b")'),
    instead("yes(progression)", "yes(progression, true)"),
    added('advises("EX-101", "6.b") :- partner("EX-101", Drug), Drug != lenalidomidee.\n'),
    added('met("EX-101", "1.b") :- at_least(age, 65).\n'),
    instead("in_combination_with, exactly).\n", "in_combination_with, exactley).\n"),
    added('criterion("EX-101", "2.c", "x").\nmet("EX-101", "2.c") :- at_least(age, 18).\n'),
    instead('"2025-01-01", published', '"2025-02-01", published'),
    instead('"1.g", 2,', '"1.g", 4,'),
    added('advises("EX-101", "9").\n'),
    added(
        'criterion("EX-101", "2.c", "x").\nmet("EX-101", "2.c").\n'
        'all_of("EX-101", "2", "2.c") :- at_least(age, 18).\n'
    ),
    added('met("EX-101", "2.b") :- not met("EX-101", "2").\n'),
    instead("yes(progression).", "yes(progression)"),
    instead('"0.5"', "0.5"),
    added('advises("EX-101", "6.b") :- not is(diagnosis, (multiple_myeloma; other)).\n'),
    added('advises("EX-101", "6.b") :- not includes(prior_drugs, Drug).\n'),
]


def blocks(page: str) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_messages_the_language_page_shows_are_those_the_loader_gives(tmp_path: Path) -> None:
    shown = {
        line for block in blocks(LANGUAGE) for line in block.splitlines() if line.startswith(FILE)
    }
    given: set[str] = set()
    text = (EXAMPLE / "policies" / FILE).read_text()
    for number, fault in enumerate(FAULTS):
        folder = tmp_path / str(number)
        shutil.copytree(EXAMPLE, folder)
        (folder / "policies" / FILE).write_text(fault(text))
        with pytest.raises(KnowledgeBaseError) as error:
            KnowledgeBase.load(folder)
        messages = str(error.value).replace(f"{folder}/policies/", "").splitlines()
        assert shown.intersection(messages), messages
        given.update(messages)
    assert shown <= given


def test_the_statements_the_language_page_shows_are_in_the_knowledge_base() -> None:
    files = [*(ROOT / "kb").rglob("*.lp"), *EXAMPLE.rglob("*.lp")]
    known = " ".join(" ".join(file.read_text().split()) for file in files)
    invented = 'listed("EX-101")'
    for block in blocks(LANGUAGE):
        if '("EX-101"' not in block and "fact(" not in block:
            continue
        for statement in re.split(r"\.\n", block):
            plain = " ".join(statement.split())
            if plain and invented not in plain and not plain.startswith(("EX-101", FILE, "from")):
                assert plain in known, plain


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/analysis.md",
        "docs/batch.md",
        "docs/policy-language.md",
        "docs/semantics.md",
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), target
    headings = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@pytest.mark.parametrize(
    "words",
    ["determine examples/partial.json", "explain examples/denied.json", "routes 5.21.071"],
)
def test_the_readme_shows_what_a_person_sees(words: str) -> None:
    command = [sys.executable, "-m", "policygrounds", *words.split()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert shown in blocks((ROOT / "README.md").read_text())


COMMANDS = re.findall(
    r"^\.venv/bin/policygrounds (.*?)(?: *#.*| *> .*)?$",
    (ROOT / "README.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.usefixtures("derived_once")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_work(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    finished = CliRunner().invoke(main, shlex.split(command))
    assert finished.exit_code == 0, finished.output
    assert finished.stdout


@pytest.mark.usefixtures("loaded_once")
def test_the_batch_of_the_documents_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for page in ("README.md", "docs/batch.md"):
        (command,) = re.findall(
            r"^policygrounds (batch .*)$", (ROOT / page).read_text(), re.MULTILINE
        )
        finished = CliRunner().invoke(main, [*shlex.split(command), "--processes", "1"])
        assert finished.exit_code == 0, finished.output
        rows = (tmp_path / "answers.csv").read_text().splitlines()
        requests = (ROOT / "examples" / "requests.csv").read_text().splitlines()
        assert len(rows) == 1 + 2 * (len(requests) - 1)


@pytest.mark.usefixtures("loaded_once")
def test_the_impact_of_the_readme_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text()
    (command,) = re.findall(r"^policygrounds (impact .*)$", text, re.MULTILINE)
    finished = CliRunner().invoke(main, [*shlex.split(command), "--no-proof", "--json"])
    assert finished.exit_code == 0, finished.output
    assert json.loads(finished.stdout)["rows"] == 8


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.usefixtures("loaded_once")
def test_the_findings_on_the_packaged_policies_are_those_the_tool_writes() -> None:
    finished = CliRunner().invoke(main, ["check", "--markdown"])
    assert finished.exit_code == 0, finished.output
    assert finished.stdout == (ROOT / "docs" / "findings.md").read_text()
