"""Answers as tables: in a terminal, as CSV, JSON and Markdown, and in files of these and Parquet."""

import csv
from collections.abc import Callable, Mapping
from decimal import Decimal
from io import StringIO
from json import dumps
from pathlib import Path

from rich.console import Console
from rich.text import Text

from engine.datalog import Cell, ResultColumn
from engine.relation import ColumnType, Value
from facts.errors import PolicygroundsError
from queries.datalog.answer import Answer
from queries.frames import parquet
from queries.phrases import counted
from queries.printing import new_table, print_line, printable
from queries.rendering import render_markdown

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a text begins with that a spreadsheet would compute."""


def show_answer(console: Console, answer: Answer, *, of: int) -> None:
    """Print an answer as a table, and how many rows it has, of so many if it was cut."""
    if not answer.columns:
        print_line(console, 0, "yes" if answer.rows else "no")
        return
    if answer.rows:
        table = new_table(*(column.name for column in answer.columns))
        for column, made in zip(answer.columns, table.columns, strict=True):
            if is_numeric(column):
                made.justify = "right"
        for row in answer.rows:
            table.add_row(*(Text(printable(shown_cell(cell))) for cell in row))
        console.print(table)
        console.print()
    rows = counted(len(answer), "row")
    print_line(console, 0, (f"{len(answer)} of {of} rows" if len(answer) < of else rows, "dim"))


def is_numeric(column: ResultColumn) -> bool:
    """Whether the cells of a column are numbers, which stand on the right."""
    return column.type is ColumnType.NUMBER and not column.many


def shown_cell(cell: Cell) -> str:
    """Write a value, or a list of them, as people read it."""
    return "; ".join(map(_shown, cell)) if isinstance(cell, tuple) else _shown(cell)


def _shown(value: Value) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def csv_text(answer: Answer) -> str:
    """Write an answer as CSV (RFC 4180), with a header.

    A text that a spreadsheet would take for a formula gets an apostrophe in front: what a case
    holds comes from outside.
    """
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(answer.names)
    texts = [column.type is ColumnType.TEXT for column in answer.columns]
    for row in answer.rows:
        cells = zip(map(shown_cell, row), texts, strict=True)
        writer.writerow([_inert(cell) if is_text else cell for cell, is_text in cells])
    return text.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def json_text(answer: Answer) -> str:
    """Write an answer as one JSON object: its columns, and its rows with exact numbers."""
    columns = [
        {"name": column.name, "type": column.type.value, "list": column.many}
        for column in answer.columns
    ]
    rows = ", ".join(f"[{', '.join(map(_json_cell, row))}]" for row in answer.rows)
    return f'{{"columns": {dumps(columns)}, "rows": [{rows}]}}\n'


def _json_cell(cell: Cell) -> str:
    if isinstance(cell, tuple):
        return f"[{', '.join(map(_json_cell, cell))}]"
    return dumps(cell) if isinstance(cell, str) else _shown(cell)


def markdown_text(answer: Answer) -> str:
    """Write an answer as a Markdown table."""
    return render_markdown(
        "answer.md.jinja",
        names=answer.names,
        numeric=[is_numeric(column) for column in answer.columns],
        rows=[[shown_cell(cell) for cell in row] for row in answer.rows],
    )


TEXTS: Mapping[str, Callable[[Answer], str]] = {
    "csv": csv_text,
    "json": json_text,
    "markdown": markdown_text,
}
"""The forms of text besides that of terminals, by name."""
PARQUET = "parquet"
_SUFFIXES = {".csv": "csv", ".json": "json", ".md": "markdown", ".parquet": PARQUET}


def form_of(file: Path) -> str:
    """Return the form that the name of a file asks for. Raises PolicygroundsError if it is none."""
    form = _SUFFIXES.get(file.suffix.lower())
    if form is None:
        listed = ", ".join(_SUFFIXES)
        raise PolicygroundsError(f"{file}: the name has to end in one of {listed}")
    return form


def written_answer(answer: Answer, form: str) -> bytes:
    """Write an answer in a form that a file can have. Raises as `to_arrow` for Parquet."""
    if form == PARQUET:
        return parquet(answer.to_arrow())
    return TEXTS[form](answer.tabular()).encode()
