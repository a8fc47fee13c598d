"""Every command of the guide for analysts is run, and gives what the page shows.

POLICYGROUNDS_GOLDEN=write writes what they give into the page.
"""

import doctest
import os
import re
import shlex
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from prompt_toolkit import PromptSession
from rich.console import Console

from engine.relation import Database
from policygrounds import Case, KnowledgeBase
from queries.command import main
from queries.datalog import Limits
from queries.prompt import Prompt
from queries.saved import library

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "analyst-guide.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = GUIDE.read_text()
COMMANDS = [block for form, block in BLOCK.findall(PAGE) if not form]
WRITES = os.environ.get("POLICYGROUNDS_GOLDEN") == "write"


def command_of(block: str) -> str:
    """Return the command at the beginning of a block: it goes on as long as the shell would read."""
    lines: list[str] = []
    for line in block.splitlines():
        lines.append(line)
        text = "\n".join(lines)
        if not line.endswith("\\") and text.count("'") % 2 == 0:
            return text
    raise AssertionError(block)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands beside the examples, in a folder where they can write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("derived_once")
@pytest.mark.parametrize("block", COMMANDS, ids=[each.splitlines()[0][2:60] for each in COMMANDS])
def test_a_command_of_the_guide_gives_what_the_page_shows(block: str, kb: KnowledgeBase) -> None:
    command = command_of(block)
    given = f"{command}\n{output(command, block, kb)}"
    if WRITES:
        GUIDE.write_text(GUIDE.read_text().replace(f"```\n{block}```", f"```\n{given}```"))
    else:
        assert block == given


def output(command: str, block: str, kb: KnowledgeBase) -> str:
    """Run a command and return what it prints, without spaces at the ends of lines."""
    program, *arguments = shlex.split(command.removeprefix("$ ").replace("\\\n", " "))
    if program == "cat":
        return Path(arguments[0]).read_text()
    assert program == "policygrounds"
    typed = [line.removeprefix("> ") for line in block.splitlines() if line.startswith("> ")]
    if typed:
        return conversation(kb, typed)
    printed = CliRunner().invoke(main, arguments).output
    return "".join(f"{line.rstrip()}\n" for line in printed.splitlines())


def conversation(kb: KnowledgeBase, typed: list[str]) -> str:
    """Type lines at the prompt and return what it shows."""
    console = Console(file=StringIO(), width=200)

    class Typed(PromptSession[str]):
        """A session in which these lines are typed."""

        def prompt(self, message: str) -> str:  # type: ignore[override]  # it is called so
            console.print(f"{message}{typed[0]}", highlight=False)
            return typed.pop(0)

    class Transcribed(Prompt):
        """The prompt with a session that types by itself."""

        def _session(self) -> PromptSession[str]:
            return Typed()

    def database(cases: Sequence[Case] | None) -> Database:
        return kb.relations(cases, on="2026-02-01")

    Transcribed(database, None, Limits(), console).run()
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


@pytest.mark.usefixtures("derived_once")
def test_what_the_guide_does_in_python_gives_what_the_page_shows() -> None:
    (block,) = (block for form, block in BLOCK.findall(PAGE) if form == "python")
    test = doctest.DocTestParser().get_doctest(block, {}, GUIDE.name, str(GUIDE), 0)
    said = StringIO()
    assert doctest.DocTestRunner().run(test, out=said.write).failed == 0, said.getvalue()


def test_the_guide_goes_through_its_steps_in_order() -> None:
    steps = re.findall(r"^## (\d+)\. (.+)$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    for number, title in steps:
        anchor = f"{number}-{re.sub(r'[^a-z ]', '', title.lower()).replace(' ', '-')}"
        assert f"- [{number}. {title}](#{anchor})" in PAGE


def test_the_guide_names_no_saved_query_that_there_is_not() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE)) | set(re.findall(r"--name (\w+)", PAGE))
    unknown = {name for name in named if "_" in name} - library().keys()
    assert unknown <= {"change_value", "change_number"}
