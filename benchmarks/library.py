"""Time a library of many policies: load it, check each policy, compare pairs on the same drug.

The library is made by a generator. Every drug is done by one of a few processes, as its own
knowledge base over one vocabulary. Then the quick question alone, whether two policies give every
patient the same answer, is asked of each pair: by this engine, by one call of clingo each and by one
solver of z3 each. All start from the ground programs that loading leaves in memory, and all that
they make of them counts: the engine reads each policy of a drug once for all its pairs and is asked
from scratch in every round; the others make their formula of the two programs for each pair. Every
verdict is compared while timing, and on a sample also with python-sat; the run fails if one differs.
z3 is run once. Times are the processor's, except for those of the whole library, which are the
clock's. Ratios hold from machine to machine; times do not.
"""

import argparse
import gc
import platform
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from families import DRUGS, Pair, write_library  # noqa: E402 - after the path is set
from provers import MISSING, Prover, available, by_sat  # noqa: E402

from engine.analysis.analyst import Analyst  # noqa: E402
from engine.analysis.difference import Verdict  # noqa: E402
from engine.inputs import Inputs  # noqa: E402
from policygrounds import KnowledgeBase  # noqa: E402

ENGINE = "policygrounds, equivalent"
SAMPLE = 10
"""Of so many pairs, one is also put to python-sat."""


@dataclass(slots=True)
class Done:
    """What came of the policies on one drug.

    `seconds` are the clock's for each part of the work, `each` the processor's for each policy
    checked and pair compared, `ways` those for a pair, round by round.
    """

    policies: int
    facts: list[int]
    findings: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    sampled: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    each: dict[str, list[float]] = field(default_factory=dict)
    ways: dict[str, list[float]] = field(default_factory=dict)


def main() -> None:
    """Print what the library is like, how long each part takes, and how the ways compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drugs", type=int, default=len(DRUGS))
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a few policies and pairs")
    arguments = parser.parse_args()
    for package in MISSING:
        print(f"{package} is not installed, and left out", file=sys.stderr)
    drugs, policies, pairs, rounds = (
        (2, 10, 12, 1)
        if arguments.quick
        else (arguments.drugs, arguments.policies, arguments.pairs, arguments.rounds)
    )
    with tempfile.TemporaryDirectory() as folder:
        made = write_library(Path(folder), drugs, policies // drugs, pairs // drugs, arguments.seed)
        jobs = [
            (Path(folder), drug, [pair for pair in made if pair.drug == drug], rounds)
            for drug in DRUGS[:drugs]
        ]
        begin = time.monotonic()
        with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
            analysed = list(pool.map(analyse, jobs))
            whole = time.monotonic() - begin
            timed = list(pool.map(time_ways, jobs))
    report(analysed, timed, whole, arguments.processes)


Job: TypeAlias = tuple[Path, str, list[Pair], int]
"""The folder of a library, a drug, the pairs on it, and how many rounds are timed."""


def analyse(job: Job) -> Done:
    """Load the policies on a drug, check all of them, and compare all pairs."""
    _, _, pairs, _ = job
    begin = time.monotonic()
    kb = _loaded(job)
    done = Done(len(kb.policies), _facts(kb))
    done.seconds["load"] = time.monotonic() - begin
    begin = time.monotonic()
    for number in kb.policies:
        start = time.process_time()
        findings = kb.check(number)
        done.each.setdefault("check", []).append(time.process_time() - start)
        done.findings.update(finding.kind.value for finding in findings)
    done.seconds["check"] = time.monotonic() - begin
    begin = time.monotonic()
    verdicts: list[Verdict] = []
    for pair in pairs:
        start = time.process_time()
        found = kb.compare(pair.first, pair.second)
        done.each.setdefault("compare", []).append(time.process_time() - start)
        verdicts.append(found.verdict)
        if not found.complete:
            sys.exit(f"{pair.first} and {pair.second}: {found.proof}")
    done.seconds["compare"] = time.monotonic() - begin
    done.verdicts.update(verdict.value for verdict in verdicts)
    expected = [verdict is Verdict.EQUIVALENT for verdict in verdicts]
    _agree(pairs, expected, equivalent(kb, pairs), ENGINE)
    return done


def time_ways(job: Job) -> Done:
    """Ask of all pairs on a drug whether they answer alike, in every way and round by round."""
    _, _, pairs, rounds = job
    kb = _loaded(job)
    done = Done(len(kb.policies), _facts(kb))
    expected = equivalent(kb, pairs)
    ways: dict[str, Callable[[KnowledgeBase, Sequence[Pair]], list[bool]]] = {ENGINE: equivalent}
    ways |= {name: partial(_one_by_one, way) for name, way in available().items()}
    for turn in range(rounds):
        for name, way in ways.items():
            if turn == 0 or not name.startswith("z3"):
                _forget(kb)
                gc.collect()
                start = time.process_time()
                found = way(kb, pairs)
                done.ways.setdefault(name, []).append((time.process_time() - start) / len(pairs))
                _agree(pairs, expected, found, name)
    if "python-sat" not in MISSING:
        sample = pairs[::SAMPLE]
        _agree(sample, expected[::SAMPLE], _one_by_one(by_sat, kb, sample), "python-sat")
        done.sampled = len(sample)
    return done


def equivalent(kb: KnowledgeBase, pairs: Iterable[Pair]) -> list[bool]:
    """Ask an analyst of their own about pairs of policies."""
    analyst = Analyst(kb.vocabulary, kb.policies, {})
    stated = {number: (policy, policy.versions[-1]) for number, policy in kb.policies.items()}
    return [analyst.equivalent(stated[pair.first], stated[pair.second], {}, {}) for pair in pairs]


def _one_by_one(way: Prover, kb: KnowledgeBase, pairs: Iterable[Pair]) -> list[bool]:
    """Put the ground programs of each pair to one of the other ways."""
    programs = {number: policy.versions[-1].program for number, policy in kb.policies.items()}
    return [way(programs[pair.first], programs[pair.second]) for pair in pairs]


def _agree(
    pairs: Sequence[Pair], expected: Sequence[bool], found: Sequence[bool], name: str
) -> None:
    for pair, one, other in zip(pairs, expected, found, strict=True):
        if one != other:
            sys.exit(f"{pair.first} and {pair.second}: {name} says {other}, not {one}")


def _loaded(job: Job) -> KnowledgeBase:
    """Load the policies on a drug; what is loaded is left alone by the garbage collector."""
    folder, drug, _, _ = job
    kb = KnowledgeBase.load(folder / "shared", folder / drug)
    gc.collect()
    gc.freeze()
    return kb


def _forget(kb: KnowledgeBase) -> None:
    """Leave of each ground program only what loading leaves: the engine indexes it once."""
    for policy in kb.policies.values():
        vars(policy.versions[-1].program).pop("definitions", None)


def _facts(kb: KnowledgeBase) -> list[int]:
    """Return how many facts each policy looks at."""
    programs = [policy.versions[-1].program for policy in kb.policies.values()]
    return [len(Inputs(program, kb.vocabulary.facts).of_fact) for program in programs]


def report(analysed: Sequence[Done], timed: Sequence[Done], whole: float, processes: int) -> None:
    """Print what was found, how long the library took, and how the ways compare."""
    facts = [count for done in analysed for count in done.facts]
    findings = sum((done.findings for done in analysed), Counter[str]())
    verdicts = sum((done.verdicts for done in analysed), Counter[str]())
    print(
        f"{len(facts)} policies on {len(analysed)} drugs, each looking at {min(facts)} to "
        f"{max(facts)} facts (median {statistics.median(facts):g}); {verdicts.total()} pairs; "
        f"{processes} processes\nPython {platform.python_version()}, clingo {version('clingo')}, "
        f"{platform.machine()}"
    )
    print(f"verdicts: {', '.join(f'{n} {name}' for name, n in verdicts.most_common())}")
    print(f"findings: {', '.join(f'{n} {name}' for name, n in findings.most_common())}")
    print(f"\nthe whole library: {whole:.1f} s by the clock")
    print(f"{'':12}{'s, of all processes':>22}{'ms each, median':>20}{'p10 to p90':>20}")
    for part in analysed[0].seconds:
        seconds = sum(done.seconds[part] for done in analysed)
        each = [1000 * time for done in analysed for time in done.each.get(part, ())]
        shown = f"{part:12}{seconds:>22.1f}"
        if each:
            low, *_, high = statistics.quantiles(each, n=10, method="inclusive")
            shown += f"{statistics.median(each):>20.1f}{f'{low:.1f} to {high:.1f}':>20}"
        print(shown)
    sampled = sum(done.sampled for done in timed)
    print(f"\nequivalence alone, of a pair; {sampled} verdicts checked with python-sat as well")
    print(f"{'':28}{'ms, median':>12}{'spread':>18}{'x engine':>10}{'spread':>16}")
    for name in timed[0].ways:
        times = [1000 * time for done in timed for time in done.ways[name]]
        ratios = [
            time / ours
            for done in timed
            for time, ours in zip(done.ways[name], done.ways[ENGINE], strict=False)
        ]
        print(
            f"{name:28}{statistics.median(times):>12.3g}"
            f"{f'{min(times):.3g} to {max(times):.3g}':>18}"
            f"{statistics.median(ratios):>10.3g}{f'{min(ratios):.3g} to {max(ratios):.3g}':>16}"
        )


if __name__ == "__main__":
    main()
