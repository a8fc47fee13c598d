"""Time several ways to do the same by turns, print how they compare, and keep what was measured.

Ratios hold from machine to machine; times do not.
"""

import json
import platform
import statistics
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """What one comparison measured: of each way, the seconds a case took it in each round."""

    what: str
    policy: str
    version: str
    cases: int
    seconds: Mapping[str, Sequence[float]]


def kept_in(parser: ArgumentParser) -> None:
    """Add the option that says in which file to keep what was measured."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep what was measured there")


def keep(file: Path, script: str, measured: Sequence[Measured]) -> None:
    """Write down what a script measured; what other scripts wrote into the file stays."""
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    known[script] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "measured": [asdict(each) for each in measured],
    }
    file.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def by_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run each way once a round; each returns the seconds that a case took it."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            seconds[name].append(run())
    return seconds


def timed(run: Callable[[], object], cases: int) -> tuple[float, object]:
    """Return the seconds that each of some cases took, with the answer."""
    begin = time.perf_counter()
    answer = run()
    return (time.perf_counter() - begin) / cases, answer


def report(title: str, seconds: Mapping[str, Sequence[float]], against: str) -> None:
    """Print medians and spread in microseconds a case, with ratios to one of the ways."""
    print(f"\n{title}; Python {platform.python_version()}, {platform.machine()}")
    one = statistics.median(seconds[against])
    wide = max(map(len, seconds)) + 2
    print(f"{'':{wide}}{'us a case':>12}{'spread':>20}{'times ' + against:>{len(against) + 10}}")
    for name, each in seconds.items():
        median = statistics.median(each)
        spread = f"{_microseconds(min(each))}-{_microseconds(max(each))}"
        ratio = f"{median / one:.3g}"
        print(f"{name:{wide}}{_microseconds(median):>12}{spread:>20}{ratio:>{len(against) + 10}}")


def _microseconds(seconds: float) -> str:
    scaled = seconds * 1e6
    return f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.3g}"
