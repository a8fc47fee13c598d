"""The command `query`: questions in the language of queries, answered with tables."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from engine.relation import Database, Relation
from engine.relations.database import NoCasesError
from facts.case import Case
from facts.errors import CrossCheckError, PolicygroundsError, did_you_mean
from queries.case_files import CaseFiles, read_case_files
from queries.datalog import Answer, Limits, ask, check
from queries.knowledge_base import KnowledgeBase
from queries.phrases import counted
from queries.printing import printable
from queries.saved import SavedQuery, as_saved, library, named, read_saved
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
    print_json,
    readings_option,
    working,
    write_bytes,
)
from queries.tables import form_of, show_answer, written_answer
from queries.terminal_queries import (
    asks_about_cases,
    command_line,
    show_queries,
    show_relation,
    show_relations,
)

DIFFERS = 1
"""The exit status when clingo gives another answer: a defect of this program."""
_USUAL = Limits()


@click.command()
@click.argument("text", required=False)
@click.option("--name", metavar="NAME", help="Ask the saved query NAME (--list lists them).")
@click.option(
    "--file", metavar="FILE", type=click.Path(path_type=Path), help="Ask the query in FILE."
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter, $NAME in the query; may be given again.",
)
@click.option(
    "--cases",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="Ask about the cases in FILE too, - for standard input; may be given again.",
)
@json_form_option
@form_option("csv", "Print CSV.")
@markdown_form_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the answer to FILE: CSV, JSON, Markdown (.md) or Parquet, by its name.",
)
@click.option(
    "--check", "cross_check", is_flag=True, help="Ask clingo too; status 1 if it differs."
)
@click.option("--limit", metavar="ROWS", type=click.IntRange(1), help="Give the first ROWS alone.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=_USUAL.seconds,
    show_default=True,
    help="Stop a query that takes longer.",
)
@click.option(
    "--memory",
    metavar="MIB",
    type=click.IntRange(1),
    default=_USUAL.memory >> 20,
    show_default=True,
    help="Stop a query that takes more memory.",
)
@click.option("--list", "listing", is_flag=True, help="List the saved queries.")
@click.option(
    "--relations",
    "about",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="List the relations that a query can use, or describe NAME.",
)
@click.option(
    "--on",
    metavar="DATE",
    help="Ask of the versions in force on DATE, such as 2025-09-15; today's if left out.",
)
@readings_option
@folders_option
def query(  # noqa: PLR0913  (one argument an option)
    text: str | None,
    *,
    name: str | None,
    file: Path | None,
    settings: Sequence[str],
    files: Sequence[Path],
    output: Path | None,
    cross_check: bool,
    limit: int | None,
    seconds: float,
    memory: int,
    listing: bool,
    about: str | None,
    on: str | None,
    readings: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """Answer TEXT, a query over policies, evidence, routes and cases, with a table.

    Without a query, at a terminal, ask one after another. Exit status: 0 if it was answered, 1 if
    clingo gives another answer (--check), 2 for bad input, be it one case among many, or if a limit
    stopped the query.
    """
    with errors_end(None):
        form = chosen_form()
        check_date(on)
        saved = _saved(text, name, file)
        values = _values(settings)
        if output is not None:
            form = form or form_of(output)
            check_writable(output)
        kb = KnowledgeBase.load(*folders)
        chosen = choose_readings(kb, readings)
        if listing or about is not None:
            _list(kb.relations(on=on).relations, about, form)
            return
        cases = read_case_files(files)
        limits = Limits(seconds=seconds, memory=memory << 20)
        if saved is None:
            _converse(kb, cases if files else None, limits, on, chosen)
            return
        database = kb.relations(cases.cases if files else None, on=on, readings=chosen)
        answer = _answer(database, saved, values, limits, cross_check=cross_check)
        _give(answer, limit, form, output)
        if cross_check:
            click.echo(f"clingo gives the same {counted(len(answer), 'row')}", err=True)
    problems = list(cases.problems_in(database))
    for problem in problems:
        click.echo(f"policygrounds: {printable(problem)}", err=True)
    if problems:
        sys.exit(BAD_INPUT)


def _saved(text: str | None, name: str | None, file: Path | None) -> SavedQuery | None:
    """Return the query that is asked; None if there is none. Raises SavedQueryError."""
    if sum(given is not None for given in (text, name, file)) > 1:
        raise PolicygroundsError("give one query: as text, by --name or by --file")
    if name is not None:
        return named(name)
    if file is not None:
        return read_saved(file)
    return as_saved("query", text, "query") if text is not None else None


def _values(settings: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE options."""
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.removeprefix("$")
        if not equals:
            raise PolicygroundsError(f"--set {setting}: expected NAME=VALUE")
        if values.get(name, value) != value:
            raise PolicygroundsError(f"--set {setting}: {name!r} is set twice, differently")
        values[name] = value
    return values


def _answer(
    database: Database,
    saved: SavedQuery,
    values: dict[str, str],
    limits: Limits,
    *,
    cross_check: bool,
) -> Answer:
    """Ask a query; a difference between the two engines is a defect and ends the program."""
    asked = check if cross_check else ask
    try:
        with working("Answering"):
            return asked(
                database, saved.text, parameters=values, source=saved.source, limits=limits
            )
    except NoCasesError as error:
        raise PolicygroundsError(f"{error}; name a file of them with --cases") from None
    except CrossCheckError as error:
        click.echo(f"policygrounds: DEFECT: {printable(str(error))}", err=True)
        sys.exit(DIFFERS)


def _give(answer: Answer, limit: int | None, form: str | None, output: Path | None) -> None:
    """Print an answer, or write it to a file."""
    cut = replace(answer, rows=answer.rows[:limit])
    if output is not None:
        write_bytes(output, written_answer(cut, form or form_of(output)))
    elif form is not None:
        click.echo(written_answer(cut, form), nl=False)
    else:
        show_answer(new_console(), cut, of=len(answer))


def _converse(
    kb: KnowledgeBase,
    cases: CaseFiles | None,
    limits: Limits,
    on: str | None,
    readings: Mapping[str, str],
) -> None:
    """Ask one query after another, as a person types them."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise PolicygroundsError(
            "no query: give one as text, by --name (--list lists them) or by --file"
        )

    from queries.prompt import Prompt  # noqa: PLC0415  (what it needs loads slowly)

    def database(cases: Sequence[Case] | None) -> Database:
        return kb.relations(cases, on=on, readings=readings)

    Prompt(database, cases, limits, new_console()).run()


def _list(relations: Mapping[str, Relation], about: str | None, form: str | None) -> None:
    """List the saved queries or, if asked about them, the relations or one of them."""
    if form not in (None, "json"):
        raise PolicygroundsError(
            f"--{form} is for answers; what there is, is listed as text or JSON"
        )
    if about is None:
        _list_queries(relations, as_json=form is not None)
    elif about and about not in relations:
        raise PolicygroundsError(f"relation {about!r} is unknown{did_you_mean(about, relations)}")
    elif form is not None:
        for relation in [relations[about]] if about else relations.values():
            print_json(_relation_json(relation))
    elif about:
        show_relation(new_console(), relations[about])
    else:
        show_relations(new_console(), relations.values())


def _list_queries(relations: Mapping[str, Relation], *, as_json: bool) -> None:
    if not as_json:
        show_queries(new_console(), library().values(), relations)
        return
    for saved in library().values():
        print_json(
            {
                "name": saved.name,
                "answers": saved.sentence,
                "parameters": {each.name: each.meaning for each in saved.parameters},
                "example": dict(saved.example),
                "asks_about_cases": asks_about_cases(saved, relations),
                "command": command_line(saved, relations),
            }
        )


def _relation_json(relation: Relation) -> dict[str, object]:
    return {
        "relation": relation.name,
        "topic": relation.topic,
        "meaning": relation.meaning,
        "columns": [
            {"name": column.name, "type": column.type.value, "domain": column.domain}
            for column in relation.columns
        ],
    }
