"""Time several ways to do the same by turns, and print how they compare.

Ratios hold from machine to machine; times do not.
"""

import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

ROUNDS = 5


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
