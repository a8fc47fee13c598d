"""Lines, trees of criteria and tables, as terminals show them."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.determination import CriterionStatus, Outcome, Status
from queries.criteria import spent

STYLES = {
    Outcome.APPROVE: "bold green",
    Outcome.REFER: "bold cyan",
    Outcome.DENY: "bold red",
    Outcome.PEND: "bold yellow",
}
_MARKS = {
    Status.MET: ("✓", "+", "green"),
    Status.NOT_MET: ("✗", "x", "red"),
    Status.UNKNOWN: ("?", "?", "yellow"),
}
SHORT = 3
"""Levels of a short tree."""


def printable(text: str) -> str:
    """Replace what would steer the terminal: text of a case may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def print_line(console: Console, indent: int, *parts: str | tuple[str, str]) -> None:
    """Print parts of a line, each with its style; nothing in them is taken for markup."""
    print_wrapped(console, " " * indent, " " * indent, Text.assemble(*parts))


def print_wrapped(console: Console, first: str | Text, rest: str, text: Text) -> None:
    """Print a text wrapped to the terminal, the first line after one prefix, others after another."""
    for number, line in enumerate(text.wrap(console, max(20, console.width - len(rest)))):
        line.rstrip()
        prefix = Text(rest, "dim") if number else first
        prefix = Text(prefix, "dim") if isinstance(prefix, str) else prefix
        console.print(Text.assemble(prefix, line), no_wrap=True, overflow="ignore", crop=False)


def print_row(console: Console, cells: Sequence[tuple[str, str, int]], last: Text) -> None:
    """Print cells, each with its style and width, and a last one that is wrapped beside them."""
    first = Text.assemble(*((cell.ljust(width), style) for cell, style, width in cells))
    print_wrapped(console, first, " " * len(first), last)


def print_heading(console: Console, text: str) -> None:
    """Print the heading of a part of an answer, after an empty line."""
    console.print()
    print_line(console, 2, (text, "bold"))


def print_tree(console: Console, node: CriterionStatus, *, short: bool = False) -> None:
    """Print a criterion and its parts below it.

    `short` leaves out the parts of what is met, and those far down.
    """
    _print_node(console, node, "  ", "  ", levels=SHORT if short else None, faded=False)


def _print_node(
    console: Console,
    node: CriterionStatus,
    first: str,
    rest: str,
    *,
    levels: int | None,
    faded: bool,
) -> None:
    """Print a criterion and its parts; what cannot matter any more is faded."""
    short = levels is not None and (levels == 1 or node.status is Status.MET)
    parts = () if short else node.parts
    plain = console.options.ascii_only
    mark, plain_mark, style = _MARKS[node.status]
    style = "dim" if faded else style
    line = Text.assemble(
        (plain_mark if plain else mark, f"bold {style}"),
        (f" {node.section}", style),
        (f"  {node.text}", "dim" if faded else "default"),
        (f" ({node.needs} of)" if node.parts and node.needs != "all" else "", "dim"),
        (" ..." if node.parts and not parts else "", "dim"),
    )
    print_wrapped(console, first, f"{rest}  ", line)
    middle, last = ("|-- ", "`-- ") if plain else ("├─ ", "└─ ")
    through = "|   " if plain else "│  "
    for part in parts:
        ends = part is parts[-1]
        _print_node(
            console,
            part,
            rest + (last if ends else middle),
            rest + (" " * len(last) if ends else through),
            levels=levels and levels - 1,
            faded=faded or spent(node, part),
        )


def new_table(*columns: str) -> Table:
    """Return an empty table without lines; long words are folded, nothing is cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
