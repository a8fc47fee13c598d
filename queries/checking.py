"""The commands about policies as such: `check`, `compare`, `diff`, `routes` and `tree`."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import click

from engine.analysis.difference import Comparison
from engine.determination import OUTCOMES
from facts.case import read_date
from facts.errors import PolicygroundsError, UncoveredDateError
from kb import FOLDER as PACKAGED
from queries.differences import ComparisonView, comparison_json, comparison_view
from queries.findings import SEVERITIES, Checked, checked_json
from queries.knowledge_base import KnowledgeBase
from queries.phrases import counted
from queries.rendering import render_picture
from queries.reports import (
    comparison_markdown,
    comparison_page,
    findings_markdown,
    findings_page,
    routes_markdown,
    routes_page,
)
from queries.routes import routes_json, routes_view
from queries.sarif import sarif
from queries.shell import (
    BAD_INPUT,
    check_date,
    check_writable,
    choose_readings,
    chosen_form,
    errors_end,
    folders_option,
    form_option,
    json_form_option,
    markdown_form_option,
    new_console,
    own_readings,
    print_json,
    program_version,
    readings_option,
    working,
    write_text,
)
from queries.terminal_findings import show_checked, show_comparison, show_matrix, show_routes
from queries.tree import sheet, show_tree
from queries.witnesses import (
    save_witnesses,
    unreplayed_findings,
    unreplayed_routes,
    unreplayed_witnesses,
)

FOUND = 1
"""The exit status when a finding counts, and when a defect of this program came to light."""

_on_option = click.option(
    "--on",
    metavar="DATE",
    help="Look at the versions in force on DATE, such as 2025-09-15; today's if left out.",
)
_html_option = click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a report to FILE too: one HTML page.",
)
_all_option = click.option(
    "--all", "everything", is_flag=True, help="Show everything, not only the first ten."
)


@click.command()
@click.argument("policies", nargs=-1, metavar="[POLICY]...")
@json_form_option
@form_option("sarif", "Print SARIF 2.1.0.")
@markdown_form_option
@_html_option
@click.option(
    "--witnesses",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Save the cases that show the findings to DIR, a file each.",
)
@click.option(
    "--fail-on",
    "least",
    type=click.Choice([*(severity.value for severity in SEVERITIES), "never"]),
    default="warning",
    show_default=True,
    help="The least severity of a finding, not accepted, that makes the exit status 1.",
)
@_on_option
@readings_option
@folders_option
def check(
    policies: Sequence[str],
    *,
    page: Path | None,
    folder: Path | None,
    least: str,
    on: str | None,
    readings: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """Check each POLICY, or all, over every possible patient: what is wrong, with cases that show it.

    Exit status: 0 if nothing counts, 1 if a finding does (see --fail-on), 2 for bad input or if a
    check could not be finished.
    """
    with errors_end(None):
        form = chosen_form()
        check_date(on)
        kb = KnowledgeBase.load(*folders)
        numbers = list(dict.fromkeys(policies)) or _in_force(kb, on)
        for number in numbers:
            kb.policy(number).version(read_date(on))
            kb.accepted(number)
        kb.check_accepted_files()
        chosen = choose_readings(kb, readings, numbers)
        check_writable(page)
        results = []
        for number in numbers:
            with working(f"Checking {number}"):
                results.append(_checked(kb, number, on, own_readings(kb, number, chosen)))
        checked = [result.checked for result in results]
        commands: dict[str, list[str]] = {}
        if folder is not None:
            findings = [finding for one in checked for finding in one.findings]
            commands = save_witnesses(folder, findings, kb.vocabulary, folders)
        if page is not None:
            write_text(page, findings_page(checked, kb.vocabulary))
        _print_checked(kb, checked, form=form, commands=commands)
    _say_what_is_not_compared(checked)
    defects = [identifier for result in results for identifier in result.defects]
    for identifier in defects:
        _defect(f"a case that is to show {identifier} does not; the finding is left out")
    if not all(one.finished for one in checked):
        sys.exit(BAD_INPUT)
    if defects or any(one.fails(least) for one in checked):
        sys.exit(FOUND)


@dataclass(frozen=True, slots=True)
class _Result:
    """What was found of one version, and the findings whose witnesses did not bear them out."""

    checked: Checked
    defects: tuple[str, ...]


def _checked(kb: KnowledgeBase, number: str, on: str | None, readings: dict[str, str]) -> _Result:
    findings = kb.check(number, on=on, readings=readings)
    wrong = {finding.id for finding in unreplayed_findings(kb, findings)}
    policy = kb.policy(number)
    checked = Checked(
        policy,
        policy.version(read_date(on)),
        tuple(finding for finding in findings if finding.id not in wrong),
        kb.accepted(number),
        kb.file(number),
        tuple(name for name, each in kb.references.items() if each.subject == policy.drug),
    )
    return _Result(checked, tuple(sorted(wrong)))


def _in_force(kb: KnowledgeBase, on: str | None) -> list[str]:
    """Return the policies that have a version in force, and say which have none.

    Raises UncoveredDateError if none has one.
    """
    found: list[str] = []
    problems: list[UncoveredDateError] = []
    for number, policy in kb.policies.items():
        try:
            policy.version(read_date(on))
        except UncoveredDateError as error:
            problems.append(error)
        else:
            found.append(number)
    if not found and problems:
        raise problems[0]
    for problem in problems:
        click.echo(f"policygrounds: not checked: {problem}; name a day with --on", err=True)
    return found


def _say_what_is_not_compared(checked: Iterable[Checked]) -> None:
    """Name the drugs on which there is no reference, and where some may be had."""
    for drug in sorted({one.policy.drug for one in checked if not one.references}):
        packaged = any(each.subject == drug for each in KnowledgeBase.load().references.values())
        remedy = f"; add --kb {PACKAGED / 'references'}" if packaged else ""
        click.echo(
            f"policygrounds: no reference on {drug} is loaded, so nothing is held against a label or "
            f"a guideline{remedy}",
            err=True,
        )


def _print_checked(
    kb: KnowledgeBase,
    checked: Sequence[Checked],
    *,
    form: str | None,
    commands: Mapping[str, Sequence[str]],
) -> None:
    if form == "sarif":
        click.echo(json.dumps(sarif(checked, kb.vocabulary, program_version()), indent=2))
    elif form == "markdown":
        click.echo(findings_markdown(checked, kb.vocabulary), nl=False)
    elif form == "json":
        for one in checked:
            print_json(checked_json(one, kb.vocabulary))
    else:
        console = new_console()
        for place, one in enumerate(checked):
            if place:
                console.print()
            show_checked(console, one, kb.vocabulary, commands)


@click.command()
@click.argument("policies", nargs=-1, required=True, metavar="POLICY POLICY...")
@json_form_option
@markdown_form_option
@_html_option
@_all_option
@_on_option
@readings_option
@folders_option
def compare(
    policies: Sequence[str],
    *,
    page: Path | None,
    everything: bool,
    on: str | None,
    readings: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """Compare policies over every possible patient: who gets another answer, and by which sections.

    More than two are compared with each other, and how they stand is shown as a table.

    Exit status: 0 if all was compared, 1 for an error of this program, 2 for bad input or if a
    comparison could not be finished.
    """
    with errors_end(None):
        form = chosen_form()
        check_date(on)
        if len(set(policies)) != len(policies) or len(policies) < 2:
            raise PolicygroundsError(
                "compare needs two policies or more, each once; diff compares versions of one"
            )
        kb = KnowledgeBase.load(*folders)
        for number in policies:
            kb.policy(number).version(read_date(on))
        chosen = choose_readings(kb, readings, policies)
        check_writable(page)
        comparisons = []
        for one, other in combinations(policies, 2):
            own = {
                f"{number}:{name}": choice
                for number in (one, other)
                for name, choice in own_readings(kb, number, chosen).items()
            }
            with working(f"Comparing {one} and {other}"):
                comparisons.append(kb.compare(one, other, on=on, readings=own))
        _give_comparisons(kb, comparisons, form=form, page=page, everything=everything)


@click.command()
@click.argument("policy")
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@json_form_option
@markdown_form_option
@_html_option
@_all_option
@folders_option
def diff(
    policy: str,
    start: str,
    end: str,
    *,
    page: Path | None,
    everything: bool,
    folders: Sequence[Path],
) -> None:
    """Compare the versions of POLICY in force on two dates, over every possible patient.

    Exit status: 0 if all was compared, 1 for an error of this program, 2 for bad input or if the
    comparison could not be finished.
    """
    with errors_end(None):
        form = chosen_form()
        kb = KnowledgeBase.load(*folders)
        for name, day in (("FROM", start), ("TO", end)):
            check_date(day, name)
            kb.policy(policy).version(day)
        check_writable(page)
        with working(f"Comparing {policy} on {start} and {end}"):
            comparison = kb.diff(policy, start, end)
        _give_comparisons(kb, [comparison], form=form, page=page, everything=everything)


def _give_comparisons(
    kb: KnowledgeBase,
    comparisons: Sequence[Comparison],
    *,
    form: str | None,
    page: Path | None,
    everything: bool,
) -> None:
    """Print comparisons whose witnesses bear them out; anything else is a defect."""
    sound = [comparison for comparison in comparisons if not unreplayed_witnesses(kb, comparison)]
    views = [comparison_view(comparison, kb.vocabulary) for comparison in sound]
    if page is not None and views:
        write_text(page, comparison_page(views, kb.vocabulary))
    if form == "markdown" and views:
        click.echo(comparison_markdown(views), nl=False)
    elif form == "json":
        for comparison in sound:
            print_json(comparison_json(comparison, kb.vocabulary))
    elif form is None:
        _show_comparisons(kb, views, everything=everything)
    for comparison in comparisons:
        if comparison not in sound:
            one, other = (
                " of ".join(document) for document in (comparison.first, comparison.second)
            )
            _defect(f"a case does not show how {one} and {other} part; they are left out")
    if len(sound) < len(comparisons):
        sys.exit(FOUND)
    if not all(comparison.complete for comparison in comparisons):
        sys.exit(BAD_INPUT)


def _show_comparisons(
    kb: KnowledgeBase, views: Sequence[ComparisonView], *, everything: bool
) -> None:
    console = new_console()
    if len(views) > 1:
        show_matrix(console, [view.comparison for view in views])
    for place, view in enumerate(views):
        if place or len(views) > 1:
            console.print()
        show_comparison(console, view, kb.vocabulary, everything=everything)


@click.command()
@click.argument("policy")
@json_form_option
@markdown_form_option
@_html_option
@click.option(
    "--outcome",
    type=click.Choice([outcome.value for outcome in OUTCOMES]),
    default="approve",
    show_default=True,
    help="The outcome the routes lead to.",
)
@_all_option
@_on_option
@readings_option
@folders_option
def routes(
    policy: str,
    *,
    page: Path | None,
    outcome: str,
    everything: bool,
    on: str | None,
    readings: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """List every minimal way to an outcome of POLICY: facts that lead there, whatever else is so.

    Exit status: 0 if all are listed, 1 for an error of this program, 2 for bad input or if there are
    too many.
    """
    with errors_end(None):
        form = chosen_form()
        check_date(on)
        kb = KnowledgeBase.load(*folders)
        stated = kb.policy(policy)
        version = stated.version(read_date(on))
        chosen = own_readings(kb, policy, choose_readings(kb, readings, [policy]))
        check_writable(page)
        with working(f"Finding the routes of {policy}"):
            found = kb.routes(policy, on=on, outcome=outcome, readings=chosen)
            wrong = unreplayed_routes(kb, found, chosen)
        sound = [route for route in found if route not in wrong]
        read = stated.chosen_otherwise(chosen)
        view = routes_view(stated, version, outcome, sound, kb.vocabulary, read)
        if page is not None:
            write_text(page, routes_page(view))
        if form == "markdown":
            click.echo(routes_markdown(view), nl=False)
        elif form == "json":
            start = version.start
            print_json(routes_json(policy, start, outcome, sound, kb.vocabulary, read))
        else:
            show_routes(new_console(), view, everything=everything)
    if wrong:
        _defect(f"{counted(len(wrong), 'route')} of {policy} to {outcome} left out: no way there")
        sys.exit(FOUND)


@click.command()
@click.argument("policy")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a picture (SVG) to FILE instead of printing text.",
)
@_on_option
@folders_option
def tree(policy: str, *, output: Path | None, on: str | None, folders: Sequence[Path]) -> None:
    """Show what POLICY is made of: its criteria as a tree, with what it grants and where it refers."""
    with errors_end(None):
        check_date(on)
        kb = KnowledgeBase.load(*folders)
        stated = kb.policy(policy)
        version = stated.version(read_date(on))
        if output is None:
            show_tree(new_console(), stated, version)
        else:
            drawn = render_picture("sheet.svg.jinja", sheet=sheet(stated, version))
            write_text(output, drawn)


def _defect(message: str) -> None:
    click.echo(
        f"policygrounds: DEFECT: {message}. This is an error of policygrounds; please report it.",
        err=True,
    )
