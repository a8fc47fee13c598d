"""The commands `explain` and `interview`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click

from engine.explanation import Explanation
from engine.goals import Want
from facts.case import Case
from facts.errors import CaseError, PolicygroundsError, UnreadableInputError
from facts.readers import read_cases
from queries.documents import markdown, page
from queries.interview import Interview
from queries.knowledge_base import KnowledgeBase
from queries.letters import letter, letter_page
from queries.prompts import converse
from queries.shell import (
    BAD_INPUT,
    Answers,
    check_date,
    choose_readings,
    errors_end,
    folders_option,
    json_option,
    new_console,
    opened,
    own_readings,
    print_json,
    readings_option,
    write_text,
)
from queries.terminal_explanations import show_explanation, show_side_by_side


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@json_option
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown.")
@click.option("--html", "form", flag_value="html", help="Print one HTML page.")
@click.option(
    "--letter",
    "letters",
    is_flag=True,
    help="Print a draft of a letter for each case; with --html, a page.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write Markdown, HTML or letters to FILE.",
)
@click.option(
    "--want",
    metavar="WANT",
    help="What changes are to lead to: approve (the default), refer, deny, or parts of an answer, "
    'such as months=12 or "deny, basis=investigational".',
)
@click.option(
    "--include-fixed", is_flag=True, help="Offer changes of fixed facts too, such as age."
)
@click.option(
    "--only",
    metavar="FACT",
    multiple=True,
    help="Look at FACT, or one member of it (regimen.dexamethasone), alone; may be given again.",
)
@click.option("--readings", "across", is_flag=True, help="Show the outcome under every reading.")
@click.option("--history", is_flag=True, help="Show the outcome under every version.")
@click.option(
    "--policy",
    "policies",
    metavar="POLICY",
    multiple=True,
    help="Explain every case under POLICY; given again, under several, side by side.",
)
@click.option("--on", metavar="DATE", help="Decide every case as of DATE, such as 2025-09-15.")
@readings_option
@folders_option
def explain(  # noqa: PLR0913  (one argument an option)
    file: Path,
    *,
    as_json: bool,
    form: str | None,
    letters: bool,
    output: Path | None,
    want: str | None,
    include_fixed: bool,
    only: Sequence[str],
    across: bool,
    history: bool,
    policies: Sequence[str],
    on: str | None,
    readings: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """Explain the cases in FILE: why they end as they do, what would change it, what is missing."""
    with errors_end(file):
        _check_forms(as_json=as_json, form=form, letters=letters, output=output)
        check_date(on)
        kb = KnowledgeBase.load(*folders)
        policies = tuple(dict.fromkeys(policies))
        for policy in policies:
            kb.policy(policy)
        chosen = choose_readings(kb, readings, policies or None)
        kb.check_units(only)
        if want is not None:
            Want.parse(want)
        document = form is not None or letters
        console = new_console(errors=document)
        written: list[Explanation] = []
        compared: list[Explanation] = []

        def answer(case: Case) -> str:
            explanation = kb.explain(
                case,
                want,
                readings=own_readings(kb, case.policy, chosen),
                include_fixed=include_fixed,
                only=only or None,
                across_readings=across,
                history=history,
            )
            if as_json:
                print_json(explanation.to_json())
            elif document:
                written.append(explanation)
            elif len(policies) > 1:
                compared.append(explanation)
            else:
                answers.separate()
                policy = kb.policies[explanation.determination.policy]
                show_explanation(console, explanation, policy, kb.vocabulary)
            return explanation.determination.outcome.value

        def compare() -> None:
            if compared:
                show_side_by_side(console, compared, kb.policies, kb.vocabulary)
                console.print()
                compared.clear()

        answers = Answers(answer, as_json=as_json, console=console)
        answers.give_all(file, on, policies, after=compare)
        if document and written:
            _write(output, _document(kb, written, form=form, letters=letters))
    if answers.failed:
        sys.exit(BAD_INPUT)


def _check_forms(*, as_json: bool, form: str | None, letters: bool, output: Path | None) -> None:
    """Refuse options that ask for two forms of output, or for a file of none."""
    if as_json and (form or letters):
        raise PolicygroundsError("--json cannot be combined with --markdown, --html or --letter")
    if letters and form == "markdown":
        raise PolicygroundsError(
            "--letter is text, or with --html a page; there is no Markdown of it"
        )
    if output and not (form or letters):
        raise PolicygroundsError("--output needs --markdown, --html or --letter")


def _document(
    kb: KnowledgeBase, written: Sequence[Explanation], *, form: str | None, letters: bool
) -> str:
    if not letters:
        write = page if form == "html" else markdown
        return write(written, kb.policies, kb.vocabulary)
    drafts = [
        (explanation, kb.policies[explanation.determination.policy], kb.vocabulary)
        for explanation in written
    ]
    if form != "html":
        return "\f".join(letter(*draft) for draft in drafts)
    if len(drafts) != 1:
        raise PolicygroundsError(
            f"--letter --html writes the page of one letter, and there are {len(drafts)}: "
            "give one case, or leave out --html"
        )
    return letter_page(*drafts[0])


def _write(output: Path | None, text: str) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    write_text(output, text)


@click.command()
@click.argument("policy")
@click.option(
    "--case",
    "case_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Begin with the case in FILE, such as one that was saved.",
)
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Save the case to FILE after every answer.",
)
@click.option("--on", metavar="DATE", help="Decide as of DATE, such as 2025-09-15.")
@readings_option
@folders_option
def interview(
    policy: str,
    *,
    case_file: Path | None,
    save: Path | None,
    on: str | None,
    readings: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """Ask for the facts of one request, only those that still matter, until POLICY decides it."""
    with errors_end(case_file):
        check_date(on)
        if str(case_file) == "-":
            raise PolicygroundsError("--case -: standard input is where the answers come from")
        kb = KnowledgeBase.load(*folders)
        kb.policy(policy)
        case = Case(policy=policy, on=on)
        if case_file is not None and not (case_file == save and not case_file.exists()):
            case = replace(_one_case(case_file), policy=policy)
            case = case if on is None else replace(case, on=on)
        chosen = own_readings(kb, policy, choose_readings(kb, readings, [policy]))
        converse(Interview(kb, case, chosen), new_console(), save)


def _one_case(file: Path) -> Case:
    with opened(file) as stream:
        cases = [read.case for read in islice(read_cases(stream), 2)]
    if len(cases) != 1:
        raise UnreadableInputError("expected one case")
    if isinstance(cases[0], CaseError):
        raise cases[0]
    return cases[0]
