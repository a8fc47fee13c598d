"""Time all minimal changes of a denied case: this engine, and four other ways to find them.

Policies of three sizes made by a generator, and a packaged one. Every way gets the same policies
and the same denied cases in the same run, and is prepared once outside of the clock. Per case it is
timed from the facts to all minimal changes as sets of names. Every answer is compared with this
engine's while timing; the run fails if one differs. The others find the sets alone; the engine
finds all values of each as well, and verifies them. Times are the processor's, so that other work
on the machine matters less. Ratios hold from machine to machine; times do not.
"""

import argparse
import gc
import json
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import oracle  # noqa: E402 - the tests' oracle draws the cases of the packaged policy
from generated import Size, draw_cases, write_policy  # noqa: E402 - after the path is set
from goal import CaseFacts, Changes, Goal  # noqa: E402
from peers import MISSING, Way, available  # noqa: E402

from engine.explainer import APPROVAL, Explainer  # noqa: E402
from engine.inputs import Inputs  # noqa: E402
from facts.case import read_facts  # noqa: E402
from facts.values import Known, Members  # noqa: E402
from policygrounds import Case, KnowledgeBase  # noqa: E402

PACKAGED, DAY = "CP.PHAR.302", "2025-08-01"
SIZES = (Size(28, 3, 3), Size(100, 5, 5), Size(400, 10, 9))
ENGINE, EVERYTHING = "policygrounds, changes", "policygrounds, explain"


@dataclass(slots=True)
class Field:
    """A policy with denied cases, and the ways prepared for it.

    `limits` counts the limits that cut a list of the whole answer short. `expected` are the answers
    of the first way; `seconds` lists for every way the rounds, and for every round the cases.
    """

    title: str
    cases: Sequence[CaseFacts]
    ways: Mapping[str, Way]
    limits: Counter[str]
    expected: list[Changes] = field(default_factory=list)
    seconds: dict[str, list[list[float]]] = field(default_factory=dict)

    def median_of(self, way: str) -> list[float]:
        """Return the seconds of each case, the median of its rounds."""
        return [statistics.median(rounds) for rounds in zip(*self.seconds[way], strict=True)]


def main() -> None:
    """Print how long each way takes, how that compares, and how it grows with the policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="the small policies, a few cases")
    arguments = parser.parse_args()
    for package in MISSING:
        print(f"{package} is not installed, and left out", file=sys.stderr)
    count, rounds = (4, 1) if arguments.quick else (arguments.cases, arguments.rounds)
    sizes = SIZES[:1] if arguments.quick else SIZES
    generated = [generated_field(size, count, arguments.seed) for size in sizes]
    packaged = packaged_field(count, arguments.seed)
    for turn in range(rounds):
        for each in (*generated, packaged):
            run_round(each, everything_too=turn == 0)
    print(
        f"{rounds} rounds ({EVERYTHING}: one); Python {platform.python_version()}, "
        f"clingo {version('clingo')}, {platform.machine()}"
    )
    for each in (*generated, packaged):
        report(each)
    if len(generated) > 1:
        report_growth(generated[0], generated[-1])


def generated_field(size: Size, count: int, seed: int) -> Field:
    """Generate a policy, load it as any other, and draw cases it denies."""
    with tempfile.TemporaryDirectory() as folder:
        write_policy(Path(folder), size, seed)
        kb = KnowledgeBase.load(folder)
    goal = goal_of(kb, size.number, None)

    def outcome(facts: CaseFacts) -> str:
        return kb.outcome(Case(policy=size.number, facts=facts)).value

    return prepare(kb, size.number, None, draw_cases(goal, outcome, count, seed))


def packaged_field(count: int, seed: int) -> Field:
    """Draw cases that a packaged policy denies."""
    kb = KnowledgeBase.load()
    draw = random.Random(seed)

    def drawn() -> Iterator[CaseFacts]:
        while True:
            facts = oracle.random_case(draw, PACKAGED, complete=True, free_budget=1)
            if kb.outcome(Case(policy=PACKAGED, on=DAY, facts=facts)).value == "deny":
                yield facts

    return prepare(kb, PACKAGED, DAY, list(islice(drawn(), count)))


def goal_of(kb: KnowledgeBase, number: str, day: str | None) -> Goal:
    """Return what the peers are given of a policy."""
    policy = kb.policies[number]
    stated = policy.version(day) if day else policy.versions[-1]
    defaults = {name: reading.default for name, reading in policy.readings.items()}
    return Goal(stated.program, kb.vocabulary, defaults)


def prepare(kb: KnowledgeBase, number: str, day: str | None, cases: Sequence[CaseFacts]) -> Field:
    """Prepare every way, and have each answer one case outside of the clock."""
    goal = goal_of(kb, number, day)
    limits: Counter[str] = Counter()
    ways = {ENGINE: engine(kb, number, day), EVERYTHING: everything(kb, number, day, limits)}
    ways |= available(goal)
    for way in ways.values():
        way(cases[0])
    limits.clear()
    title = f"{number}: {len(goal.asked)} facts; {len(goal.values)} with every member of a set"
    return Field(title, cases, ways, limits)


def engine(kb: KnowledgeBase, number: str, day: str | None) -> Way:
    """Return this engine's way to all minimal changes, each with all its values and verified."""
    policy = kb.policies[number]
    stated = policy.version(day) if day else policy.versions[-1]
    defaults = {name: reading.default for name, reading in policy.readings.items()}
    total = kb.counterexample(number, on=day) is None
    explainer = Explainer(policy, stated, kb.vocabulary, total=total)
    units = [str(domain.unit) for domain in Inputs(stated.program, kb.vocabulary.facts).domains]

    def changes(facts: CaseFacts) -> Changes:
        known, _ = read_facts(Case(policy=number, facts=facts), kb.vocabulary)
        listed = explainer.changes(known, defaults, APPROVAL)
        if listed.limit:
            sys.exit(f"{number}: {listed.limit}")
        return frozenset(frozenset(units[place] for place in values) for values in listed.sets)

    return changes


def everything(kb: KnowledgeBase, number: str, day: str | None, limits: Counter[str]) -> Way:
    """Return the product's whole answer, down to its JSON text: reasons and questions as well.

    It counts the limits at which one of its lists ended.
    """

    def changes(facts: CaseFacts) -> Changes:
        explanation = kb.explain(Case(policy=number, on=day, facts=facts))
        json.dumps(explanation.to_json())
        limits.update(explanation.limits)
        return frozenset(
            frozenset(name for fact, known in change.facts.items() for name in _units(fact, known))
            for change in explanation.changes
        )

    return changes


def _units(fact: str, known: Known) -> Iterator[str]:
    if isinstance(known, Members):
        yield from (f"{fact}.{member}" for member in (*known.includes, *known.excludes))
    else:
        yield fact


def run_round(each: Field, *, everything_too: bool) -> None:
    """Time the ways one after the other on every case, and compare their answers."""
    for name, way in each.ways.items():
        if name == EVERYTHING and not everything_too:
            continue
        gc.collect()
        seconds: list[float] = []
        for place, facts in enumerate(each.cases):
            begin = time.process_time()
            found = way(facts)
            seconds.append(time.process_time() - begin)
            if place == len(each.expected):
                each.expected.append(found)
            expected = each.expected[place]
            if found != expected:
                sys.exit(
                    f"{each.title}: {name} differs from {ENGINE} for {json.dumps(facts)}: it alone "
                    f"has {_shown(found - expected)}, and lacks {_shown(expected - found)}"
                )
        each.seconds.setdefault(name, []).append(seconds)


def _shown(changes: Changes) -> list[list[str]]:
    return sorted(sorted(change) for change in changes)


def report(each: Field) -> None:
    """Print milliseconds a case, and the ratios to this engine's, case by case and in total."""
    counts = sorted(len(changes) for changes in each.expected)
    sizes = [len(change) for changes in each.expected for change in changes]
    print(
        f"\n{each.title}\n{len(each.cases)} denied cases with {', '.join(map(str, counts))} minimal "
        f"changes, of {min(sizes, default=0)} to {max(sizes, default=0)} facts or members"
    )
    print(f"{'':28}{'ms, median':>12}{'p10 to p90':>20}{'x engine':>12}{'in total':>12}")
    ours = each.median_of(ENGINE)
    for name in each.ways:
        seconds = each.median_of(name)
        ratio = statistics.median(one / other for one, other in zip(seconds, ours, strict=True))
        low, high = (1000 * end for end in spread(seconds))
        print(
            f"{name:28}{1000 * statistics.median(seconds):>12,.2f}{f'{low:,.2f} to {high:,.2f}':>20}"
            f"{ratio:>12.3g}{sum(seconds) / sum(ours):>12.3g}"
        )
    for limit, cases in each.limits.items():
        print(f"{EVERYTHING}, {cases} cases: {limit}")


def spread(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the tenth and the ninetieth percentile."""
    deciles = statistics.quantiles(seconds, n=10, method="inclusive")
    return deciles[0], deciles[-1]


def report_growth(smallest: Field, largest: Field) -> None:
    """Print by how much each way takes longer from the smallest generated policy to the largest."""
    print(f"\nfrom {smallest.title}\nto {largest.title}, the median takes so many times as long")
    for name in smallest.ways:
        few, many = (statistics.median(each.median_of(name)) for each in (smallest, largest))
        print(f"{name:28}{many / few:>12.3g}")


if __name__ == "__main__":
    main()
