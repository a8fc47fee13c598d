"""Compare compiled outcomes with brute force in plain Python on many random cases.

Of the packaged policies in all versions, under readings drawn anew for each batch, complete and
partial cases are decided by the compiled form and by the oracle, which goes through all completions.
Of random policies every question is compared with all their points. Each compiled form is proved
equal to its program too. Prints what was compared, and exits with status 1 and the first
disagreements as JSON if there are any.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import cpu_count, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

import oracle
import synthetic
from drawing import random_question
from explanations import explain, read_case
from soak import FREE_BUDGET, LIMIT, Comparison

from engine.compiled import CompiledPolicy
from policygrounds import KnowledgeBase

BATCH = 500
"""Cases of one version under one choice of readings."""
QUESTIONS = 40
"""Cases of one version of a random policy."""
FOLDER = 20
"""Random policies that share a vocabulary and are loaded at once."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Compiled:
    """One version of a policy under chosen readings, compiled."""

    policy: str
    version: str
    readings: Mapping[str, str]
    compiled: CompiledPolicy

    def compare(self, facts: Mapping[str, Any], expected: str, kind: str, done: Comparison) -> None:
        """Decide a case and compare the outcome with the one expected."""
        found = self.compiled.outcome(facts).value
        done.counts.update(("cases", f"{kind} {expected}"))
        if found != expected:
            shown = {"policy": self.policy, "on": self.version, "facts": facts}
            done.disagreements.append(
                {"case": shown, "readings": self.readings, "compiled": found, "oracle": expected}
            )


def compiled(
    kb: KnowledgeBase, policy: str, version: str, readings: Mapping[str, str], done: Comparison
) -> Compiled:
    """Compile a version, and prove the compiled form equal to its program."""
    made = kb.compile(policy, on=version, readings=readings)
    done.counts["compiled"] += 1
    if not made.verification.proved:
        done.disagreements.append(made.verification.to_json())
    return Compiled(policy, version, readings, made)


def compare_packaged(kb: KnowledgeBase, *, seed: str, cases: int) -> Comparison:
    """Compare cases of one version of a packaged policy under readings, by turns complete and partial."""
    rng, done = random.Random(seed), Comparison()
    policy = rng.choice(sorted(oracle.VERSIONS))
    version = rng.choice(oracle.VERSIONS[policy])
    readings = oracle.random_readings(rng, policy)
    one = compiled(kb, policy, version, readings, done)
    for number in range(cases):
        complete = number % 2 == 0
        facts, expected = _drawn(rng, policy, version, readings, complete=complete)
        one.compare(facts, expected, "complete" if complete else "partial", done)
    return done


def _drawn(
    rng: random.Random, policy: str, version: str, readings: Mapping[str, str], *, complete: bool
) -> tuple[dict[str, Any], str]:
    """Draw a case that has few enough completions, with the outcome by brute force."""
    while True:
        facts = oracle.random_case(rng, policy, complete=complete, free_budget=FREE_BUDGET)
        try:
            return facts, oracle.determination(policy, version, facts, readings, LIMIT)[0]
        except oracle.TooManyCompletionsError:
            continue


def compare_synthetic(*, seed: str, policies: int) -> Comparison:
    """Compare cases of random policies with all their points."""
    rng, done = random.Random(seed), Comparison()
    folder = synthetic.random_folder(rng, policies)
    with TemporaryDirectory() as name:
        folder.write(Path(name))
        kb = KnowledgeBase.load(name)
    for policy in folder.policies:
        for version in policy.versions:
            readings = {name: rng.choice(choices) for name, choices in policy.readings.items()}
            points = synthetic.laid_out(policy, version, readings)
            one = compiled(kb, policy.number, version, readings, done)
            for _ in range(QUESTIONS if any(points.verdicts) else 0):
                facts = random_question(rng, points, policy.number, version, readings).facts
                known = read_case(points.facts.values(), facts)
                expected = explain(points, known, ()).outcome
                one.compare(facts, expected, "random policy", done)
    return done


_loaded: list[KnowledgeBase] = []


def _compare_batch(seed: str) -> Comparison:
    """Compare in a process that loads the packaged knowledge base once."""
    if not _loaded:
        _loaded.append(KnowledgeBase.load())
    return compare_packaged(_loaded[0], seed=seed, cases=BATCH)


def _parts(processes: int, cases: int, policies: int, seed: int) -> Iterator[Comparison]:
    with get_context("spawn").Pool(processes) as pool:
        batches = [f"{seed}:{number}" for number in range(-(-cases // BATCH))]
        yield from pool.imap(_compare_batch, batches)
        folders = [f"{seed}:{number}" for number in range(-(-policies // FOLDER))]
        yield from pool.imap(_compare_folder, folders)


def _compare_folder(seed: str) -> Comparison:
    return compare_synthetic(seed=seed, policies=FOLDER)


def main() -> int:
    """Run the comparison, print its counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--policies", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=cpu_count())
    options = parser.parse_args()
    started = time.monotonic()
    done = Comparison()
    for part in _parts(options.processes, options.cases, options.policies, options.seed):
        done.add(part)
    for what, count in sorted(done.counts.items()):
        print(f"{count:10,}  {what}")
    print(f"{len(done.disagreements):10,}  disagreements")
    print(f"{time.monotonic() - started:10,.0f}  seconds in {options.processes} processes")
    for disagreement in done.disagreements[:SHOWN]:
        print(json.dumps(disagreement))
    return 1 if done.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
