"""Time the outcomes of many complete cases at once, from columns of their facts.

Column engines decide them by expressions that are made from the same circuit as this engine's own
form. The cases are drawn value by value, and few contradict themselves. All ways run by turns, and
all have to give the same codes; a few of the cases are decided by `KnowledgeBase.outcome` as well.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import column_deciders  # noqa: E402 - after the path is set
from column_deciders import CODES, Columns, as_bytes  # noqa: E402 - likewise
from formula import Formula  # noqa: E402 - likewise
from one_case import POLICIES  # noqa: E402 - likewise
from rounds import ROUNDS, Measured, by_turns, keep, kept_in, report, timed  # noqa: E402 - likewise

from policygrounds import Case, KnowledgeBase  # noqa: E402 - likewise

SEED = 302
CHECKED = 500
"""Cases that are decided one by one as well."""


def main() -> None:
    """Print the time a case took each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    kept_in(parser)
    arguments = parser.parse_args()
    if column_deciders.MISSING:
        print(f"left out, not installed: {', '.join(column_deciders.MISSING)}", file=sys.stderr)
    if {"numpy", "pyarrow"} & set(column_deciders.MISSING):
        sys.exit("numpy and pyarrow draw the cases")
    kb = KnowledgeBase.load()
    measured = []
    for policy, version in POLICIES:
        formula = Formula(kb, policy, version)
        table = column_deciders.random_table(formula, arguments.rows, SEED)
        ways = {**own(kb, policy, version, table), **column_deciders.available(formula, table)}
        first = next(iter(ways))
        codes = as_bytes(ways[first]())
        check(kb, policy, version, table, codes)
        runs = {name: _run(name, decide, first, codes) for name, decide in ways.items()}
        words = {code: word for word, code in CODES.items()}
        drawn = ", ".join(
            f"{count:,} {words[code]}" for code, count in Counter(codes).most_common()
        )
        title = f"{policy} {version}, {arguments.rows:,} cases ({drawn}), {arguments.rounds} rounds"
        seconds = by_turns(runs, arguments.rounds)
        report(title, seconds, first)
        measured.append(Measured("columns", policy, version, arguments.rows, seconds))
    if arguments.json:
        keep(arguments.json, "many_cases", measured)


def own(kb: KnowledgeBase, policy: str, version: str, table: Any) -> dict[str, Columns]:
    """Return the ways of this package; the first of all is what others are compared with."""
    compute, pyarrow = import_module("pyarrow.compute"), import_module("pyarrow")
    words = pyarrow.array(sorted(CODES, key=CODES.__getitem__))

    def outcomes() -> Any:
        answered = kb.batch(table, policy, on=version, parts=False).answered
        return compute.index_in(answered.column("outcome"), value_set=words)

    prepared = kb.prepare(table)

    def prepared_outcomes() -> Any:
        return prepared.outcomes(policy, on=version).indices

    return {"policygrounds": outcomes, "policygrounds, prepared": prepared_outcomes}


def check(kb: KnowledgeBase, policy: str, version: str, table: Any, codes: bytes) -> None:
    """Decide the first cases one by one, and exit if the codes say otherwise."""
    for row, code in zip(table.slice(0, CHECKED).to_pylist(), codes, strict=False):
        facts: dict[str, Any] = {}
        for column, value in row.items():
            name, _, member = column.partition(".")
            if not member:
                facts[name] = value
            else:
                facts.setdefault(name, [])
                facts[name] += [member] if value else []
        found = kb.outcome(Case(policy=policy, on=version, facts=facts)).value
        if CODES[found] != code:
            sys.exit(f"columns disagree with policygrounds: {found} expected")


def _run(name: str, decide: Columns, first: str, codes: bytes) -> Callable[[], float]:
    def run() -> float:
        each, answer = timed(decide, len(codes))
        if as_bytes(answer) != codes:
            sys.exit(f"{name} disagrees with {first}")
        return each

    return run


if __name__ == "__main__":
    main()
