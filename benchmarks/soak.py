"""Compare the engine with the plain-Python oracle of the tests on many random cases.

Complete and partial cases of every policy and version, under random readings. Prints what was
compared, and exits with status 1 and the first disagreeing cases as JSON if the two disagree.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import cpu_count, get_context
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

import oracle

from policygrounds import Case, Determination, KnowledgeBase

CHUNK = 250
SHOWN = 5
FREE_BUDGET = 1_000
"""How many completions a random partial case is loosened to, roughly."""
LIMIT = 10_000
"""A partial case with more completions is drawn again."""


@dataclass(slots=True)
class Comparison:
    """Counts of what was compared, and the cases on which engine and oracle disagree."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[dict[str, object]] = field(default_factory=list)

    def add(self, other: "Comparison") -> None:
        """Take in the results of another comparison."""
        self.counts += other.counts
        self.disagreements += other.disagreements


def parts_of(determination: Determination) -> dict[str, list[str]]:
    """Give the parts of a determination that the oracle knows too."""
    return {
        "outcome": [determination.outcome.value],
        "possible": sorted(outcome.value for outcome in determination.possible),
        "basis": sorted(determination.basis),
        "pathways": sorted(determination.pathways),
        "months": sorted(map(str, determination.authorization.months)),
        "refer_to": sorted(determination.refer_to),
        "problems": sorted({problem.kind for problem in determination.problems}),
    }


def parts_expected(outcome: str, answers: set[oracle.Answer]) -> dict[str, list[str]]:
    """Give the same parts by the oracle's answers; without answers the case is a contradiction.

    Basis, months and referral belong to a settled outcome, so a pend has none.
    """
    settled = answers if outcome != "pend" else set()
    return {
        "outcome": [outcome],
        "possible": sorted({answer.outcome for answer in answers}),
        "basis": sorted({answer.basis for answer in settled if answer.basis}),
        "pathways": sorted({answer.pathway for answer in answers if answer.pathway}),
        "months": sorted({str(answer.months) for answer in settled if answer.months}),
        "refer_to": sorted({answer.refer_to for answer in settled if answer.refer_to}),
        "problems": [] if answers else ["contradiction"],
    }


def compare(kb: KnowledgeBase, *, seed: str, cases: int) -> Comparison:
    """Compare engine and oracle on random cases, by turns complete and partial."""
    rng = random.Random(seed)
    done = Comparison()
    for number in range(cases):
        kind = "complete" if number % 2 else "partial"
        policy = rng.choice(sorted(oracle.VERSIONS))
        version = rng.choice(oracle.VERSIONS[policy])
        readings = oracle.random_readings(rng, policy)
        for facts in _drawn(rng, policy, complete=kind == "complete"):
            try:
                expected = oracle.determination(policy, version, facts, readings, LIMIT)
            except oracle.TooManyCompletionsError:
                done.counts["redrawn"] += 1
            else:
                break
        case = Case(policy=policy, on=version, facts=facts)
        found, wanted = parts_of(kb.determine(case, readings=readings)), parts_expected(*expected)
        outcome = wanted["outcome"][0] if expected[1] else "contradiction"
        done.counts.update(
            ("cases", f"{kind} {outcome}", f"policy {policy}", f"version {policy} {version}")
        )
        if readings != {name: choices[0] for name, choices in oracle.READINGS[policy].items()}:
            done.counts["other readings"] += 1
        if found != wanted:
            done.counts["disagreements"] += 1
            done.disagreements.append(
                {
                    "case": {"policy": policy, "on": version, "facts": facts},
                    "readings": readings,
                    "engine": found,
                    "oracle": wanted,
                }
            )
    return done


def _drawn(rng: random.Random, policy: str, *, complete: bool) -> Iterator[dict[str, Any]]:
    while True:
        yield oracle.random_case(rng, policy, complete=complete, free_budget=FREE_BUDGET)


_loaded: list[KnowledgeBase] = []


def _compare_chunk(chunk: tuple[str, int]) -> Comparison:
    """Compare in a process that loads the knowledge base once."""
    if not _loaded:
        _loaded.append(KnowledgeBase.load())
    seed, cases = chunk
    return compare(_loaded[0], seed=seed, cases=cases)


def main() -> int:
    """Run the comparison, print its counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=cpu_count())
    options = parser.parse_args()
    started = time.monotonic()
    chunks = [
        (f"{options.seed}:{start}", min(CHUNK, options.cases - start))
        for start in range(0, options.cases, CHUNK)
    ]
    done = Comparison()
    with get_context("spawn").Pool(options.processes) as pool:
        for part in pool.imap(_compare_chunk, chunks):
            done.add(part)
    for what in sorted({"redrawn", "disagreements", *done.counts}):
        print(f"{done.counts[what]:8}  {what}")
    print(f"{time.monotonic() - started:8.0f}  seconds in {options.processes} processes")
    for disagreement in done.disagreements[:SHOWN]:
        print(json.dumps(disagreement))
    return 1 if done.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
