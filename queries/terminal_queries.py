"""What can be asked, as a person reads it in a terminal: relations and saved queries."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from shlex import quote

from rich.console import Console
from rich.text import Text

from engine.relation import Relation
from queries.printing import new_table, print_heading, print_line
from queries.saved import SavedQuery


def show_relations(console: Console, relations: Iterable[Relation]) -> None:
    """Print relations with their meaning, topic by topic, in the order in which they come."""
    for topic, group in groupby(relations, key=lambda relation: relation.topic):
        print_heading(console, topic)
        for relation in group:
            print_line(console, 4, *_signature(relation))
            print_line(console, 8, relation.meaning)


def show_relation(console: Console, relation: Relation) -> None:
    """Print a relation with its meaning and its columns."""
    print_line(console, 0, *_signature(relation))
    print_line(console, 0, f"{relation.meaning}.")
    console.print()
    table = new_table("Column", "Values", "Joins with")
    for column in relation.columns:
        joined = f"columns of {column.domain}" if column.domain else ""
        table.add_row(*map(Text, (column.name, column.type.value, joined)))
    console.print(table)


def _signature(relation: Relation) -> tuple[tuple[str, str], str]:
    columns = ", ".join(column.name for column in relation.columns)
    return (relation.name, "bold"), f"({columns})"


def show_queries(
    console: Console, queries: Iterable[SavedQuery], relations: Mapping[str, Relation]
) -> None:
    """Print saved queries: what each answers, its parameters, and how it is asked."""
    for number, saved in enumerate(queries):
        if number:
            console.print()
        print_line(console, 0, (saved.name, "bold"), f"  {saved.sentence}")
        for parameter in saved.parameters:
            print_line(console, 4, (f"${parameter.name}", "cyan"), f"  {parameter.meaning}")
        print_line(console, 4, (command_line(saved, relations), "dim"))


def command_line(saved: SavedQuery, relations: Mapping[str, Relation]) -> str:
    """Return the command that asks a saved query of the library, with its example."""
    settings = (
        f" --set {quote(f'{parameter}={value}')}" for parameter, value in saved.example.items()
    )
    cases = " --cases FILE" if asks_about_cases(saved, relations) else ""
    return f"policygrounds query --name {saved.name}{''.join(settings)}{cases}"


def asks_about_cases(saved: SavedQuery, relations: Mapping[str, Relation]) -> bool:
    """Whether a query uses a relation on cases."""
    return any(
        column.domain == "case"
        for name in saved.named_relations()
        if name in relations
        for column in relations[name].columns
    )
