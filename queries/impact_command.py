"""The command for what a change of a policy does to cases: `policygrounds impact`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from engine.determination import Outcome
from facts.case import read_date
from facts.errors import MissingExtraError, PolicygroundsError
from queries.knowledge_base import KnowledgeBase
from queries.rendering import render_html
from queries.shell import (
    BAD_INPUT,
    check_date,
    check_writable,
    choose_readings,
    errors_end,
    folders_option,
    json_option,
    new_console,
    print_json,
    readings_option,
    write_text,
)

if TYPE_CHECKING:
    from queries.impact import Impact, PolicyChange

DEFECT = 1
"""The exit status when a defect of this program came to light."""
MOST_BARS = 12
"""Sections that a picture shows."""


@click.command()
@click.argument("policy")
@click.argument("source", metavar="CASES", type=click.Path(path_type=Path))
@click.option(
    "--from", "start", metavar="DATE", help="The version in force on DATE is the old one."
)
@click.option("--to", "end", metavar="DATE", help="The version in force on DATE is the new one.")
@click.option(
    "--draft",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A policy file (.lp) with the same number is the new one.",
)
@readings_option
@click.option("--on", metavar="DATE", help="The day of --draft and --reading; today if not given.")
@click.option(
    "--by", metavar="COLUMN", multiple=True, help="Break down by COLUMN; may be given again."
)
@click.option(
    "--list",
    "list_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the rows that change to FILE (.csv, .parquet or .ndjson).",
)
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a report to FILE too: one HTML page.",
)
@click.option("--keep", metavar="COLUMN", multiple=True, help="Copy COLUMN, which is no fact.")
@click.option("--ignore", metavar="COLUMN", multiple=True, help="Leave COLUMN unread.")
@click.option("--no-proof", is_flag=True, help="Leave out the proof, which takes up to a minute.")
@click.option("--all", "everything", is_flag=True, help="Show everything, not only the first ten.")
@json_option
@folders_option
def impact(  # noqa: PLR0913 - one for each option
    policy: str,
    source: Path,
    *,
    start: str | None,
    end: str | None,
    draft: Path | None,
    readings: Sequence[str],
    on: str | None,
    by: Sequence[str],
    list_file: Path | None,
    page: Path | None,
    keep: Sequence[str],
    ignore: Sequence[str],
    no_proof: bool,
    everything: bool,
    as_json: bool,
    folders: Sequence[Path],
) -> None:
    """Say which rows of the table CASES another version, draft or reading of POLICY decides otherwise.

    CASES is a table as for `batch`. Give --from and --to, or --draft, or --reading. Every row is
    decided before and after, whatever day or policy it names. It is proved, over every possible
    case, where answers can change at all. Status 2 if rows were rejected or the proof was not
    finished, 1 for an error of this program.
    """
    with errors_end(source):
        _check_change(start, end, draft, readings, on)
        try:
            from queries.batch.files import check_apart  # noqa: PLC0415  (an extra installs it)
            from queries.impact import Question, impact_on  # noqa: PLC0415  (an extra installs it)
            from queries.terminal_impact import show_impact  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(error.name or "pyarrow", "tables") from None
        check_apart(
            {"the table of cases": source, "the draft": draft},
            {"where the rows that change go": list_file, "where the report goes": page},
        )
        check_writable(list_file)
        check_writable(page)
        kb = KnowledgeBase.load(*folders)
        change = _change(kb, policy, start, end, draft, readings, on, folders)
        question = Question(tuple(by), tuple(keep), tuple(ignore), list_file, proved=not no_proof)
        errors = Console(stderr=True)
        with Progress(
            TextColumn("Proving and deciding" if question.proved else "Deciding"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows"),
            console=errors,
            disable=not errors.is_terminal,
        ) as progress:
            task = progress.add_task("", total=None)
            found = impact_on(change, source, question, lambda count: progress.advance(task, count))
        if page is not None:
            write_text(page, impact_page(found, source.name))
        if as_json:
            print_json(found.to_json())
        else:
            show_impact(new_console(), found, everything=everything)
    proof = found.proof
    if proof is not None and (proof.unexplained or proof.unsound):
        click.echo(
            f"policygrounds: DEFECT: {proof.unexplained} rows change outside of every region, "
            f"{proof.unsound} regions have a case that does not show them. This is an error of "
            "policygrounds; please report it.",
            err=True,
        )
        sys.exit(DEFECT)
    if found.rejected or (proof is not None and not proof.comparison.complete):
        sys.exit(BAD_INPUT)


def _check_change(
    start: str | None,
    end: str | None,
    draft: Path | None,
    readings: Sequence[str],
    on: str | None,
) -> None:
    """Raise PolicygroundsError unless the options say one change, with dates that are dates."""
    dated = start is not None or end is not None
    given = [
        name
        for name, is_given in (
            ("--from and --to", dated),
            ("--draft", draft is not None),
            ("--reading", bool(readings)),
        )
        if is_given
    ]
    if len(given) != 1:
        said = f"{' with '.join(given)} cannot be told apart" if given else "no change is given"
        raise PolicygroundsError(
            f"{said}; give one of: --from DATE and --to DATE, --draft FILE, --reading NAME=CHOICE"
        )
    if dated and (start is None or end is None):
        missing = "--from" if start is None else "--to"
        raise PolicygroundsError(f"{missing} DATE is missing: two versions are compared")
    if dated and on is not None:
        raise PolicygroundsError(
            "--on cannot be combined with --from and --to, which give the days"
        )
    for name, day in (("--from", start), ("--to", end), ("--on", on)):
        check_date(day, name)


def _change(
    kb: KnowledgeBase,
    policy: str,
    start: str | None,
    end: str | None,
    draft: Path | None,
    readings: Sequence[str],
    on: str | None,
    folders: Sequence[Path],
) -> "PolicyChange":
    from queries import impact as changes  # noqa: PLC0415  (an extra installs what it needs)

    if start is not None and end is not None:
        return changes.change_of_version(kb, policy, read_date(start), read_date(end))
    if draft is not None:
        return changes.change_to_draft(kb, policy, draft, read_date(on), folders)
    kb.policy(policy)
    chosen = choose_readings(kb, readings, [policy])
    own = {name.removeprefix(f"{policy}:"): choice for name, choice in chosen.items()}
    return changes.change_of_readings(kb, policy, own, read_date(on))


def impact_page(found: "Impact", source: str) -> str:
    """Write what a change does to a table as an HTML page with pictures."""
    from queries import terminal_impact as words  # noqa: PLC0415  (an extra installs what it needs)
    from queries.impact import adverse  # noqa: PLC0415

    change = found.change
    return render_html(
        "impact.html.jinja",
        "impact.css",
        title=f"Impact on {source}: {change.before.name} to {change.after.name}",
        impact=found,
        source=source,
        words=words,
        adverse=adverse,
        befores=[str(each) for each in Outcome if any(one == each for one, _ in found.matrix)],
        afters=[str(each) for each in Outcome if any(other == each for _, other in found.matrix)],
        by_outcome=[group for group in found.groups if not group.parts],
        by_part=[group for group in found.groups if group.parts],
        sections=list(found.sections.items())[:MOST_BARS],
        differences=words.differences_in_words(found, found.proof) if found.proof else (),
        MOST_ROWS=words.MOST_ROWS,
    )
