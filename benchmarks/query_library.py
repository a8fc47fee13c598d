"""Time the library of queries at 10,000 cases: pyDatalog, clingo, and hand-written SQL in duckdb.

All three answer from the same rows, and every answer is compared while timing; the run fails if one
differs. pyDatalog's time is from the text of the query to its answer: parsing, checking, reducing
what is stored, and a round to the process that evaluates. clingo gets the checked query and all rows
of the relations in it, in the same process. duckdb holds all rows in its own tables, which are filled
outside of the clock, as are the relations. Cases are drawn by the tests' oracle; those drawn are
determined and explained once, and stand for others of the same facts under names of their own until
there are as many as asked for. Ratios hold from machine to machine; times do not.
"""

import argparse
import platform
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import oracle  # noqa: E402 - the tests' oracle draws the cases
from query_library_sql import SQL  # noqa: E402 - after the path is set

from engine.datalog import ResultColumn  # noqa: E402
from engine.relation import Database, Relation, Row, Value  # noqa: E402
from engine.relations.database import Relations  # noqa: E402
from policygrounds import Case, KnowledgeBase, Limits, SavedQuery, saved_queries  # noqa: E402
from queries.datalog import ask, read_query  # noqa: E402
from queries.datalog.dispatch import evaluated  # noqa: E402
from queries.frames import arrow_table  # noqa: E402

duckdb: Any = import_module("duckdb") if find_spec("duckdb") else None
TODAY, REQUESTED = "2026-02-01", "2025-09-15"
POLICIES = ("CP.PHAR.302", "5.21.071")
LIMITS = Limits(seconds=600)
PRODUCT, CLINGO, DUCKDB = "policygrounds", "clingo", "duckdb"
CASES = ("case", "change")
"""Domains whose values begin with the name of a case."""
PYTHON = f"Python {platform.python_version()}, {platform.machine()}"


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows that are all there, of the relations that some queries use."""

    origin: Relations
    tables: Mapping[str, frozenset[Row]]

    @property
    def relations(self) -> Mapping[str, Relation]:
        """All relations, by name."""
        return self.origin.relations

    def rows(self, name: str) -> frozenset[Row]:
        """Return the rows of a relation."""
        return self.tables[name]

    def values(self, domain: str) -> frozenset[Value]:
        """Return the values of a domain."""
        return self.origin.values(domain)


def main() -> None:
    """Print how long each way takes for each query, and how that compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--drawn", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few cases, once, and no routes")
    arguments = parser.parse_args()
    if duckdb is None:
        print("duckdb is not installed, and left out", file=sys.stderr)
    count, drawn, rounds = arguments.cases, arguments.drawn, arguments.rounds
    if arguments.quick:
        count, drawn, rounds = 40, 20, 1
    begin = time.perf_counter()
    relations = KnowledgeBase.load().relations(draw_cases(drawn, arguments.seed), on=TODAY)
    asked = [
        saved
        for saved in saved_queries().values()
        if not arguments.quick or not is_slow(relations, saved)
    ]
    database = stored(relations, asked, drawn, count)
    took = time.perf_counter() - begin
    print(f"{PYTHON}, pyDatalog {version('pyDatalog')}, clingo {version('clingo')}", end="")
    print(f", duckdb {version('duckdb')}" if duckdb else "", end="")
    rows = sum(map(len, database.tables.values()))
    print(
        f"; {rounds} round{'s' * (rounds != 1)}\n{count:,} cases, {rows:,} rows, which took {took:.0f} s to find"
    )
    filled = fill(database) if duckdb else None
    report({saved.name: compare(database, saved, filled, rounds) for saved in asked})


def draw_cases(drawn: int, seed: int) -> list[Case]:
    """Draw cases of both policies, half of them complete."""
    draw = random.Random(seed)
    cases = []
    for number in range(drawn):
        policy = POLICIES[number % 2]
        facts = oracle.random_case(draw, policy, complete=number % 4 < 2, free_budget=200)
        cases.append(Case(id=str(number), policy=policy, on=REQUESTED, facts=facts))
    return cases


def is_slow(relations: Relations, saved: SavedQuery) -> bool:
    """Whether a query uses relations whose rows take long to find."""
    return any(
        column.domain in ("route", "finding", "change")
        for name in uses(relations, saved)
        for column in relations.relations[name].columns
    )


def uses(database: Database, saved: SavedQuery) -> frozenset[str]:
    """Return the relations that a query uses."""
    return read_query(database, saved.text, parameters=saved.example).stored()


def stored(relations: Relations, asked: Sequence[SavedQuery], drawn: int, count: int) -> Stored:
    """Find all rows that queries need, those on cases for as many as asked for."""
    names = frozenset().union(*(uses(relations, saved) for saved in asked))
    tables = {name: relations.rows(name) for name in sorted(names)}
    return Stored(
        relations,
        {
            name: copied(relations.relations[name], rows, drawn, count)
            for name, rows in tables.items()
        },
    )


def copied(relation: Relation, rows: frozenset[Row], drawn: int, count: int) -> frozenset[Row]:
    """Return rows on drawn cases once for each case of the same facts, under its name."""
    named = [place for place, column in enumerate(relation.columns) if column.domain in CASES]
    if not named:
        return rows
    copies = []
    for row in rows:
        case, _, _ = str(row[named[0]]).partition(":")
        for number in range(int(case), count, drawn):
            cells = list(row)
            for place in named:
                cells[place] = f"{number}{str(row[place])[len(case) :]}"
            copies.append(tuple(cells))
    return frozenset(copies)


def fill(database: Stored) -> Any:
    """Return a connection to duckdb with a table for each relation."""
    begin = time.perf_counter()
    connection = duckdb.connect()
    for name, rows in database.tables.items():
        columns = [
            ResultColumn(column.name, column.type, column.domain)
            for column in database.relations[name].columns
        ]
        table = arrow_table(columns, sorted(rows))
        connection.register("given", table)
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')  # noqa: S608 - ours
        connection.unregister("given")
    print(f"filling the tables of duckdb took {time.perf_counter() - begin:.1f} s")
    return connection


def compare(
    database: Stored, saved: SavedQuery, filled: Any, rounds: int
) -> dict[str, list[float]]:
    """Ask a query each way, in rounds, and compare the answers; return the seconds."""
    query = read_query(database, saved.text, parameters=saved.example)
    rows = {name: database.rows(name) for name in query.stored()}

    def product() -> Iterable[Any]:
        return ask(database, saved.text, parameters=saved.example, limits=LIMITS).rows

    def clingo() -> Iterable[Any]:
        return evaluated("clingo", query, rows, LIMITS)

    def sql() -> Iterable[Any]:
        found: list[Any] = filled.execute(SQL[saved.name], dict(saved.example)).fetchall()
        return found

    ways: dict[str, Callable[[], Iterable[Any]]] = {PRODUCT: product, CLINGO: clingo}
    if filled is not None:
        ways[DUCKDB] = sql
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        answers = {}
        for way, asked in ways.items():
            begin = time.perf_counter()
            found = asked()
            seconds[way].append(time.perf_counter() - begin)
            answers[way] = Counter(tuple(map(plain, row)) for row in found)
        for way, answer in answers.items():
            if answer != answers[PRODUCT]:
                alone = answer - answers[PRODUCT], answers[PRODUCT] - answer
                sys.exit(
                    f"{saved.name}: {way} answers differently: {[*map(len, alone)]} rows alone"
                )
    return seconds


def plain(cell: object) -> object:
    """Write a cell as the product does: dates as text, lists as tuples."""
    if isinstance(cell, date):
        return cell.isoformat()
    return tuple(cell) if isinstance(cell, list) else cell


def report(times: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Print the median of each way for each query, and how often as long the others take."""
    ways = list(dict.fromkeys(way for seconds in times.values() for way in seconds))
    head = "".join(f"{way + ', ms':>18}" for way in ways)
    ratios = "".join(f"{f'{PRODUCT} / {way}':>24}" for way in ways[1:])
    print(f"{'median':34}{head}{ratios}")
    medians = {
        name: [statistics.median(seconds[way]) for way in ways] for name, seconds in times.items()
    }
    for name, found in medians.items():
        shown = "".join(f"{1000 * each:>18,.1f}" for each in found)
        print(f"{name:34}{shown}" + "".join(f"{found[0] / each:>24.3g}" for each in found[1:]))
    middle = [
        statistics.median(found[0] / found[place] for found in medians.values())
        for place in range(1, len(ways))
    ]
    print(
        f"{'median ratio':34}{'':{18 * len(ways)}}" + "".join(f"{each:>24.3g}" for each in middle)
    )


if __name__ == "__main__":
    main()
