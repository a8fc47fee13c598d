"""Kill runs of `policygrounds batch` at random moments, and measure what memory a long one takes.

A table of random cases is decided in small blocks by a process that is killed again and again, up
to the moments in which parts are put together; at the end the output must be that of a run that was
never stopped, byte for byte, with every row in the answers or among the rejected, once. Then tables
of the same cases over and over are decided by one process; its memory must not grow with them.
Prints what was done, and exits with status 1 if an output differs or memory grows.
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

import oracle
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import parquet

POLICY, DAY = "CP.PHAR.302", "2025-09-15"
ROOT = Path(__file__).resolve().parents[1]
FORMS = ("parquet", "csv", "ndjson")
BLOCK = 20
"""Rows of a block in a run that is to be killed."""
CASES = 2_000
"""Cases that a long table repeats."""
GROUP = 100_000
"""Rows of a group of a long table."""
FLAT = 1.5
"""By how much the peak of memory may grow where rows grow by any factor."""
RUN = """
import sys
from queries.batch import files
files.ROWS = int(sys.argv[1])
from queries.command import main
main(sys.argv[2:])
"""
"""The command, with blocks of so many rows."""


def drawn(seed: int, size: int) -> Any:
    """Draw a table of cases, one in twenty with a value that does not fit."""
    rng = random.Random(seed)
    rows = []
    for place in range(size):
        row = oracle.random_case(rng, POLICY, complete=True, free_budget=1)
        if place % 2:
            row |= dict.fromkeys(rng.sample(sorted(row), rng.randint(1, 8)))
        if place % 20 == 7:
            row["diagnosis"] = "myeloma"
        rows.append({"id": f"case {place}", **row})
    names = sorted({name for row in rows for name in row})
    lists = pa.list_(pa.string())
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], lists if name in oracle.SETS else None)
            for name in names
        }
    )


def started(
    folder: Path, source: str, output: str, *, rows: int, processes: int = 1
) -> subprocess.Popen[bytes]:
    """Start the command in blocks of so many rows."""
    arguments = ["batch", POLICY, source, output, "--on", DAY, "--processes", str(processes)]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", RUN, str(rows), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.DEVNULL,
    )


def numbers(file: Path) -> list[int]:
    """Return the rows that a file of answers or of rejected rows is about."""
    if file.suffix == ".parquet":
        found: list[int] = parquet.read_table(file, columns=["row"]).column("row").to_pylist()
        return found
    with file.open(newline="", encoding="utf-8") as lines:
        if file.suffix == ".csv":
            return [int(row["row"]) for row in csv.DictReader(lines)]
        return [int(line.partition(":")[2].partition(",")[0]) for line in lines]


def kill(folder: Path, form: str, kills: int, rng: random.Random, lasting: float) -> int:
    """Kill runs of the same; return how many were. One that ends is begun again."""
    done = 0
    while done < kills:
        process = started(folder, "in.parquet", f"out.{form}", rows=BLOCK)
        try:
            process.wait(rng.uniform(0.1, 1.1) * lasting)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            done += 1
    return done


def soak(kills: int, rows: int, seed: int) -> list[str]:
    """Kill runs of each form in turn; return what is wrong with the outputs."""
    rng, wrong = random.Random(seed), []
    for form in FORMS:
        with TemporaryDirectory() as name:
            folder = Path(name)
            parquet.write_table(drawn(seed, rows), folder / "in.parquet")
            begun = time.monotonic()
            started(folder, "in.parquet", f"whole.{form}", rows=BLOCK).wait()
            lasting = time.monotonic() - begun
            killed = kill(folder, form, -(-kills // len(FORMS)), rng, lasting)
            started(folder, "in.parquet", f"out.{form}", rows=BLOCK).wait()
            print(f"{killed:10,}  runs killed, {form}, of {lasting:.1f} seconds each")
            for end in ("", ".rejects.csv"):
                one, other = (folder / f"{which}.{form}{end}" for which in ("whole", "out"))
                if one.read_bytes() != other.read_bytes():
                    wrong.append(f"{form}{end}: not what an uninterrupted run gives")
            found = numbers(folder / f"out.{form}")
            found += numbers(folder / f"out.{form}.rejects.csv")
            if sorted(found) != list(range(1, rows + 1)):
                wrong.append(f"{form}: rows are missing, or there twice")
            expected = {
                f"{which}.{form}{end}" for which in ("whole", "out") for end in ("", ".rejects.csv")
            }
            left = {file.name for file in folder.iterdir()} - {"in.parquet"} - expected
            wrong += [f"{form}: {file} is left behind" for file in sorted(left)]
    return wrong


def peak(rows: int, seed: int) -> int:
    """Decide so many rows in one process; return the most memory it took, in bytes."""
    cases = drawn(seed, CASES)
    with TemporaryDirectory() as name:
        folder = Path(name)
        group = pa.concat_tables([cases] * -(-min(rows, GROUP) // CASES))
        with parquet.ParquetWriter(folder / "in.parquet", group.schema) as writer:
            for start in range(0, rows, GROUP):
                writer.write_table(group.slice(0, min(rows - start, GROUP)))
        begun = time.monotonic()
        process = started(folder, "in.parquet", "out.parquet", rows=32_768)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        found = parquet.ParquetFile(folder / "out.parquet").metadata.num_rows
        rejected = len(numbers(folder / "out.parquet.rejects.csv"))
        if found + rejected != rows:
            sys.exit(f"{rows} rows gave {found} answers and {rejected} rejected")
    most = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    seconds = time.monotonic() - begun
    print(f"{rows:10,}  rows in {seconds:,.0f} seconds, {most / 2**20:,.0f} MiB at most")
    return most


def main() -> int:
    """Kill, compare and measure; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rows", type=int, default=2_000, help="rows of the runs that are killed")
    parser.add_argument(
        "--memory", type=int, nargs="*", default=[1_000_000, 5_000_000], metavar="ROWS"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = soak(options.kills, options.rows, options.seed) if options.kills else []
    peaks = [peak(rows, options.seed) for rows in options.memory]
    if peaks and max(peaks) > FLAT * peaks[0]:
        wrong.append(f"memory grows with the rows: {max(peaks) / peaks[0]:.1f} times as much")
    for each in wrong:
        print(each)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
