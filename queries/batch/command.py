"""The command for tables of cases: `policygrounds batch`."""

import sys
from collections.abc import Sequence
from multiprocessing import cpu_count
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from facts.case import read_date
from facts.errors import MissingExtraError
from queries.knowledge_base import KnowledgeBase
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
)

FEW_ROWS = 200_000
"""Rows up to which one process is faster than to start others.

Where a file does not say how many it has, others are started when so many were decided.
"""


@click.command()
@click.argument("policies", nargs=-1, metavar="[POLICY]...")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--on", metavar="DATE", help="The day of requests whose row gives none; else today.")
@readings_option
@click.option("--keep", metavar="COLUMN", multiple=True, help="Copy COLUMN, which is no fact.")
@click.option("--ignore", metavar="COLUMN", multiple=True, help="Leave COLUMN unread.")
@click.option(
    "--changes", is_flag=True, help="Say the cheapest change to approval; tenths of a second a row."
)
@click.option(
    "--rejects",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where rows go that cannot be decided (CSV); OUT.rejects.csv if not given.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="How many processes decide; all processors if not given.",
)
@json_option
@folders_option
def batch(  # noqa: PLR0913 - one for each option
    policies: Sequence[str],
    source: Path,
    output: Path,
    *,
    on: str | None,
    readings: Sequence[str],
    keep: Sequence[str],
    ignore: Sequence[str],
    changes: bool,
    rejects: Path | None,
    processes: int | None,
    as_json: bool,
    folders: Sequence[Path],
) -> None:
    """Decide the rows of the table IN under each POLICY; write the answers to OUT.

    IN is Parquet, CSV, NDJSON or Arrow, OUT Parquet, CSV or NDJSON, by how their names end. Columns
    are named for facts, or for members of sets (prior_drugs.bortezomib); see `policygrounds facts`.
    Empty is unknown. Without POLICY, rows name theirs in a column `policy`. If a run is stopped, the
    same command goes on where it was. Status 2 if rows were rejected.
    """
    with errors_end(source):
        check_date(on)
        try:
            from queries.batch import files, running  # noqa: PLC0415  (an extra installs it)
            from queries.batch.blocks import Request  # noqa: PLC0415
            from queries.batch.layout import laid_out  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(error.name or "pyarrow", "tables") from None
        rejects = rejects or output.with_name(f"{output.name}.rejects.csv")
        files.form_of(output, files.OUTPUTS)
        files.check_apart(
            {"the table to decide": source},
            {"where the answers go": output, "where rejected rows go": rejects},
        )
        check_writable(output)
        check_writable(rejects)
        kb = KnowledgeBase.load(*folders)
        chosen = choose_readings(kb, readings, policies or None)
        table = files.TableFile(source)
        layout = laid_out(table.columns, kb.vocabulary, keep=keep, ignore=ignore)
        request = Request(tuple(policies), read_date(on), layout, table.texts, changes=changes)
        rows = table.rows()
        job = running.Job(source, output, rejects, request, chosen, tuple(folders))
        at_once = processes or changes or (rows or 0) > FEW_ROWS
        errors = Console(stderr=True)
        with Progress(
            TextColumn("Deciding"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows, {task.speed:,.0f} a second" if rows else "rows"),
            TimeRemainingColumn(),
            console=errors,
            disable=not errors.is_terminal,
        ) as progress:
            task = progress.add_task("", total=rows)
            done = running.run(
                kb,
                job,
                processes or cpu_count(),
                lambda count: progress.advance(task, count),
                alone=0 if at_once else FEW_ROWS,
            )
        if as_json:
            print_json(
                {"rows": done.rows, "outcomes": dict(done.outcomes), "rejected": done.rejected}
            )
        else:
            counted = ", ".join(
                f"{count:,} {name}" for name, count in sorted(done.outcomes.items())
            )
            console = new_console()
            console.print(f"{done.rows:,} rows: {counted or 'none answered'}; answers in {output}")
            if done.rejected:
                console.print(f"{done.rejected:,} rejected, with the reason in {rejects}")
    if done.rejected:
        sys.exit(BAD_INPUT)
