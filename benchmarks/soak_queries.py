"""Ask random queries of random databases, of pyDatalog, of clingo and of a reference in plain Python.

Prints what was asked, and exits with status 1 and the first queries on which the three differ. A
query that takes longer than a few seconds counts as a difference: nothing here may take so long.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

from datalog_drawing import RandomDatabase, draw_database, draw_query, text_of
from datalog_reference import DrawnAggregate, DrawnAtom, DrawnComparison, DrawnQuery, answer

from policygrounds import PolicygroundsError
from queries.datalog import Limits, check

QUERIES_A_DATABASE = 10
SHOWN = 5
LIMITS = Limits(seconds=20.0, memory=1 << 30)


def drawn(queries: int, seed: str) -> Iterator[tuple[int, RandomDatabase, DrawnQuery, str]]:
    """Draw queries, a few of each random database; a number and a seed always give the same."""
    for number in range(queries):
        if number % QUERIES_A_DATABASE == 0:
            rng = random.Random(f"{seed} {number}")
            database = draw_database(rng)
        query = draw_query(rng, database)
        yield number, database, query, text_of(rng, query)


def difference(database: RandomDatabase, text: str, query: DrawnQuery) -> str | None:
    """Say how the answers to a query differ, if they do."""
    try:
        found = check(database, text, limits=LIMITS)
    except (PolicygroundsError, RuntimeError) as error:
        return str(error)
    expected = answer(query, database.data)
    if repr(list(found.rows)) != repr(expected):
        return f"expected {expected}, found {list(found.rows)}"
    return None


def features(query: DrawnQuery) -> list[str]:
    """Name what a query makes use of."""
    parts = [part for rule in query.rules for part in rule.body]
    found = [f"{part.function}" for part in parts if isinstance(part, DrawnAggregate)]
    found += ["comparison" for part in parts if isinstance(part, DrawnComparison)]
    found += [
        ("negation" if part.negated else "atom")
        + (" of a local relation" if part.relation.startswith("local") else "")
        for part in parts
        if isinstance(part, DrawnAtom)
    ]
    names = [rule.relation for rule in query.rules]
    found += ["union"] * (len(names) > len(set(names)))
    return sorted({*found, *["sort"] * bool(query.order), *["limit"] * (query.limit is not None)})


def main() -> None:
    """Ask as many queries as wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queries", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", default="0")
    options = parser.parse_args()
    used: Counter[str] = Counter()
    alike = 0
    differences: list[dict[str, object]] = []
    start = time.perf_counter()
    for number, database, query, text in drawn(options.queries, options.seed):
        used.update(features(query))
        differing = difference(database, text, query)
        alike += differing is None
        if differing is not None:
            differences.append({"number": number, "query": text, "difference": differing})
            if len(differences) >= SHOWN:
                break
    seconds = time.perf_counter() - start
    print(
        f"{alike:,} queries answered alike by pyDatalog, clingo and the reference in {seconds:,.0f} s"
    )
    for feature, count in sorted(used.items()):
        print(f"  {count:>8,} with {feature}")
    if differences:
        print(json.dumps(differences, indent=1, ensure_ascii=False))
        sys.exit(1)


if __name__ == "__main__":
    main()
