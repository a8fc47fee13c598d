"""Time a file decided from Parquet to Parquet, next to reading it and writing it again.

The command is run as its users run it, start and proof included, with one process and with all
processors. The outcomes of the first rows are compared with `KnowledgeBase.outcome`.
"""

import argparse
import platform
import statistics
import subprocess
import sys
from importlib import import_module
from os import cpu_count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import column_deciders  # noqa: E402 - after the path is set
from formula import Formula  # noqa: E402 - likewise
from one_case import POLICIES  # noqa: E402 - likewise

from policygrounds import Case, KnowledgeBase  # noqa: E402 - likewise

CHECKED = 300


def main() -> None:
    """Print seconds and ratios for each policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    parquet = import_module("pyarrow.parquet")
    kb = KnowledgeBase.load()
    for policy, version in POLICIES:
        with TemporaryDirectory() as name:
            folder = Path(name)
            table = column_deciders.random_table(Formula(kb, policy, version), options.rows, 302)
            source, output = folder / "cases.parquet", folder / "answers.parquet"
            parquet.write_table(table, source)
            times: dict[str, list[float]] = {}
            for _ in range(options.rounds):
                begin = perf_counter()
                parquet.write_table(parquet.read_table(source), folder / "copy.parquet")
                times.setdefault("read and written again", []).append(perf_counter() - begin)
                for processes in (1, cpu_count() or 2):
                    begin = perf_counter()
                    _decided(policy, version, source, output, processes)
                    took = perf_counter() - begin
                    times.setdefault(f"decided, processes: {processes}", []).append(took)
            _check(kb, policy, version, table, parquet.read_table(output))
            base = statistics.median(times["read and written again"])
            print(
                f"\n{policy} {version}, {options.rows:,} rows, {options.rounds} rounds; "
                f"Python {platform.python_version()}, {platform.machine()}"
            )
            for way, seconds in times.items():
                median = statistics.median(seconds)
                spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
                print(
                    f"{way:28}{median:>8.2f} s{spread:>14}{median / base:>8.2f} times"
                    f"{options.rows / median:>14,.0f} rows a second"
                )


def _decided(policy: str, version: str, source: Path, output: Path, processes: int) -> None:
    words = ["batch", policy, "--on", version, "--processes", str(processes), source, output]
    command = [sys.executable, "-m", "policygrounds", *map(str, words)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    if finished.returncode:
        sys.exit(finished.stderr)


def _check(kb: KnowledgeBase, policy: str, version: str, table: object, answers: object) -> None:
    """Decide the first cases one by one, and exit if the file says otherwise."""
    rows = table.slice(0, CHECKED).to_pylist()  # type: ignore[attr-defined]  # a pyarrow.Table
    outcomes = answers.column("outcome").to_pylist()  # type: ignore[attr-defined]
    for row, outcome in zip(rows, outcomes, strict=False):
        facts: dict[str, object] = {}
        for column, value in row.items():
            fact, _, member = column.partition(".")
            if not member:
                facts[fact] = value
            else:
                members = facts.setdefault(fact, [])
                if value and isinstance(members, list):
                    members.append(member)
        if kb.outcome(Case(policy=policy, on=version, facts=facts)).value != outcome:
            sys.exit(f"the file disagrees with policygrounds on {facts}")


if __name__ == "__main__":
    main()
