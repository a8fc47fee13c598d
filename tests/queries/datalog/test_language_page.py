"""What docs/query-language.md shows is what queries give."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from datalog_example import ExampleDatabase

from queries.datalog import Limits, check
from queries.datalog.parsing import MOST_LITERALS, MOST_TERMS
from queries.datalog.tokens import LONGEST_QUERY

PAGE = (Path(__file__).parents[3] / "docs" / "query-language.md").read_text()
EXAMPLES = re.findall(r"```\n([^`]+)\n```\n\n((?:\|.*\n)+)", PAGE)
TABLES = re.findall(r"\n\| (\w+) (\| [\w| ]+)\|\n\|[-|]+\n((?:\| \|.*\n)+)", PAGE)


def cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def written(value: object) -> str:
    return str(value)


@pytest.mark.parametrize(("text", "table"), EXAMPLES)
def test_an_example_of_the_page_gives_the_table_below_it(text: str, table: str) -> None:
    names, _, *rows = table.splitlines()
    answer = check(ExampleDatabase(), text)
    assert answer.names == cells(names)
    assert [tuple(map(written, row)) for row in answer] == list(map(cells, rows))


def test_the_page_has_examples_and_their_rows() -> None:
    assert len(EXAMPLES) == 7
    database = ExampleDatabase()
    assert [name for name, *_ in TABLES] == ["approves", "contains", "authorizes"]
    for name, head, lines in TABLES:
        columns = tuple(column.name for column in database.relations[name].columns)
        assert cells(head) == columns
        rows = {cells(line)[1:] for line in lines.splitlines()}
        stored = {
            tuple(str(cell.normalize() if isinstance(cell, Decimal) else cell) for cell in row)
            for row in database.rows(name)
        }
        assert rows == stored


def test_the_query_at_the_head_of_the_page_is_answered() -> None:
    first = PAGE.split("```\n")[1]
    assert check(ExampleDatabase(), first).rows == (("A", "a1"),)


def test_the_page_states_the_limits() -> None:
    for limit in (LONGEST_QUERY, MOST_LITERALS, MOST_TERMS, Limits().rows):
        assert f"{limit:,}" in PAGE
    assert f"{Limits().seconds:g} seconds" in PAGE
    assert f"{Limits().memory >> 30} GiB" in PAGE
