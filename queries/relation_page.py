"""The page on all relations, docs/relations.md: what each says, with a row that it has.

`python -m queries.relation_page > docs/relations.md` writes it.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from engine.relation import Column, ColumnType, Relation, Row, Value
from engine.relations.database import Relations
from engine.relations.definitions import domains, relations
from facts.case import Case
from facts.readers import read_cases
from queries.completion import constant
from queries.knowledge_base import KnowledgeBase
from queries.phrases import capitalized

DAY = "2026-02-01"
"""The day of the examples: later than any version of a policy or reference."""
_FILES = ("vignettes.json", "partial.json", "denied.json", "records.json")
_UNCLEAR = (
    Case(
        id="contradictory",
        policy="5.21.071",
        on=DAY,
        facts={"treatment_setting": "primary", "prior_lines": 1},
    ),
    Case(id="misspelt", policy="5.21.071", on=DAY, facts={"agee": 70}),
)
"""Cases that show what is said of those that cannot be decided."""
_OPENING = """# The relations

What a [query](query-language.md) can ask about. This page is written by
`python -m queries.relation_page` from the encodings that derive the relations
(`engine/encodings/relations`). {count} relations, by topic:

{topics}

How to read them:

- A name of a column means the same in every relation. Columns of one domain hold values of one sort, so a
  variable may stand for both: `policy`, `reference` and `document` are one domain, so are all columns of
  sections, those of versions, and so on. A constant in such a column has to be one of the domain's values.
- The order of columns is the same everywhere: case or document, version, section or route, what is said.
- There are no nulls. What a thing does not have is a row that is not there: a version that is still in
  force has no row in `ends`.
- A **version** is named by the day from which it is in force. What a document states has rows for each of
  its versions: `current(Document, Version)` holds for those in force on the day of the query, which is
  today unless another is asked for (`--on`).
- Routes, grounds, findings and effects of readings are those of the versions in force on the day of the query. For an
  earlier text, ask on an earlier day.
- Every relation of a policy is that of its readings as chosen: the default ones unless others are asked
  for (`--reading`).
- What is known of a fact, or needed or required of it, is said in the same words everywhere: a boolean `is` true or
  false; a choice `is` a value, or `one_of` several, which then have a row each; a set `includes` and `excludes`
  members; a number is `at_least` and `at_most` a number, both ends included. If the two are one, it also `is` that
  number. Rules also say `is_not`, `more_than` and `less_than`.
- Relations on cases need cases (`--cases`).

A row stands below each relation as an example: of the packaged knowledge base on {day}, and of the
cases in `examples`.
"""


def relations_page(databases: Sequence[Relations]) -> str:
    """Write the page; an example is a row of the first database that has one."""
    topics = [
        (topic, list(group)) for topic, group in groupby(relations().values(), lambda r: r.topic)
    ]
    contents = "\n".join(
        f"- **{topic}**: {', '.join(f'[{each.name}](#{each.name})' for each in group)}"
        for topic, group in topics
    )
    opening = _OPENING.format(count=len(relations()), topics=contents, day=DAY)
    parts = [opening, *_domains()]
    for topic, group in topics:
        parts.append(f"## {topic}\n")
        parts += [part for relation in group for part in _relation(relation, databases)]
    return "\n".join(parts)


def _domains() -> Iterator[str]:
    yield "## Domains\n"
    yield "| domain | columns | values |\n|---|---|---|"
    columns = {column.name: column for each in relations().values() for column in each.columns}
    for name, domain in domains().items():
        named = sorted(each.name for each in columns.values() if each.domain == name)
        held = [f"`{relation}`" for relation, _ in domain.columns]
        words = [f"`{word}`" for word in sorted(domain.words)]
        yield f"| {name} | {', '.join(named)} | {', '.join(words or dict.fromkeys(held))} |"
    yield ""


def _relation(relation: Relation, databases: Iterable[Relations]) -> Iterator[str]:
    yield f"### {relation.name}\n"
    yield f"`{relation.name}({', '.join(map(_variable, relation.columns))})`{_types(relation)}\n"
    yield f"{relation.meaning}.\n"
    for database in databases:
        rows = [_written(relation, row) for row in database.rows(relation.name)]
        if rows:
            yield f"```\n{min(rows, key=lambda row: (len(row), row))}\n```\n"
            return
    yield "No example has a row of it.\n"


def _variable(column: Column) -> str:
    return "".join(map(capitalized, column.name.split("_")))


def _types(relation: Relation) -> str:
    named = [
        f"{_variable(column)} is a {column.type.value}"
        for column in relation.columns
        if column.type is not ColumnType.TEXT
    ]
    return f"; {', '.join(named)}" if named else ""


def _written(relation: Relation, row: Row) -> str:
    return f"{relation.name}({', '.join(map(_value, row))})"


def _value(value: Value) -> str:
    if isinstance(value, str):
        return constant(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def example_databases(folder: Path) -> list[Relations]:
    """Return the relations of the packaged knowledge base with the example cases, and of the example."""
    cases = [*_UNCLEAR]
    for name in _FILES:
        with (folder / name).open(encoding="utf-8") as stream:
            cases += [each.case for each in read_cases(stream) if isinstance(each.case, Case)]
    packaged = KnowledgeBase.load().relations(cases, on=DAY)
    example = KnowledgeBase.load(folder / "new_policy").relations([], on=DAY)
    return [packaged, example]


if __name__ == "__main__":
    sys.stdout.write(relations_page(example_databases(Path("examples"))))
