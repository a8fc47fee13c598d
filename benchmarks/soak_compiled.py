"""Compare compiled outcomes with brute force in plain Python, and with the solver, on random cases.

Of the packaged policies in all versions, under readings drawn anew for each batch, complete and
partial cases are decided by the compiled form and by the oracle, which goes through all completions.
Many more go from case to case by a change or two, so that they come to both sides of every condition:
complete ones are decided by the oracle too, partial ones by the solver. Of random policies every question is
compared with all their points. Each compiled form is proved equal to its program too. Prints what was
compared, and exits with status 1 and the first disagreements as JSON if there are any.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
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
from engine.determination import Decider
from facts.case import read_facts
from policygrounds import Case, KnowledgeBase

BATCH = 500
"""Cases of one version under one choice of readings."""
FOLLOWED = 20_000
"""Cases of one version under one choice of readings that follow from each other."""
STEPS = 25
"""Complete cases that follow from one by changes before one is drawn anew."""
FORGETTING = 5
"""Of so many complete cases, one is decided with less known as well."""
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


def compare_followed(kb: KnowledgeBase, *, seed: str, cases: int) -> Comparison:
    """Compare cases of one version of a packaged policy under readings that follow from each other."""
    rng, done = random.Random(seed), Comparison()
    number = rng.choice(sorted(oracle.VERSIONS))
    version = rng.choice(oracle.VERSIONS[number])
    readings = oracle.random_readings(rng, number)
    one = compiled(kb, number, version, readings, done)
    policy = kb.policy(number)
    decider = Decider(policy, policy.version(version), kb.vocabulary)
    for facts, complete in islice(_followed(rng, number), cases):
        if complete:
            whole = oracle.complete_facts(facts)
            expected = (
                "pend"
                if oracle.contradictions(number, whole)
                else oracle.decide(number, version, whole, readings).outcome
            )
            one.compare(facts, expected, "followed, complete", done)
            continue
        known, problems = read_facts(Case(policy=number, facts=facts), kb.vocabulary)
        if problems:
            raise AssertionError(problems)
        solved = decider.outcome(known, readings).value
        one.compare(facts, solved, "followed, partial", done)
    return done


def _followed(rng: random.Random, policy: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield cases that follow from each other, and whether they are complete."""
    while True:
        case: dict[str, Any] = oracle.random_case(rng, policy, complete=True, free_budget=1)
        for step in range(STEPS):
            before = dict(case)
            for name in rng.sample(sorted(case), rng.choice((1, 1, 2))):
                case[name] = oracle.changed(rng, name, case[name], policy=policy)
            yield dict(case), True
            if step % FORGETTING == 0:
                share = rng.choice((0.03, 0.1, 0.25, 0.6))
                less = {
                    name: value if rng.random() >= share else oracle.loosened(rng, name, value)
                    for name, value in case.items()
                }
                yield {name: value for name, value in less.items() if value is not None}, False
            if oracle.contradictions(policy, oracle.complete_facts(case)):
                case = before


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


def _compare_followed(seed: str) -> Comparison:
    if not _loaded:
        _loaded.append(KnowledgeBase.load())
    return compare_followed(_loaded[0], seed=seed, cases=FOLLOWED)


def _parts(options: argparse.Namespace) -> Iterator[Comparison]:
    processes, cases, followed = options.processes, options.cases, options.followed
    policies, seed = options.policies, options.seed
    with get_context("spawn").Pool(processes) as pool:
        batches = [f"{seed}:followed:{number}" for number in range(-(-followed // FOLLOWED))]
        yield from pool.imap_unordered(_compare_followed, batches)
        batches = [f"{seed}:{number}" for number in range(-(-cases // BATCH))]
        yield from pool.imap(_compare_batch, batches)
        folders = [f"{seed}:{number}" for number in range(-(-policies // FOLDER))]
        yield from pool.imap(_compare_folder, folders)


def _compare_folder(seed: str) -> Comparison:
    return compare_synthetic(seed=seed, policies=FOLDER)


def main() -> int:
    """Run the comparison, print its counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=100_000, help="by the oracle, drawn one by one"
    )
    parser.add_argument(
        "--followed", type=int, default=10_000_000, help="by the oracle or the solver"
    )
    parser.add_argument("--policies", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=cpu_count())
    options = parser.parse_args()
    started = time.monotonic()
    done = Comparison()
    for part in _parts(options):
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
