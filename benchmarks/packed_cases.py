"""Time many policies on a million complete cases whose facts are packed before, a bit a value.

The policies are generated (`families`), of about 28 facts each, on a few drugs. All outcomes of the
policies of a drug come from one circuit that they share. Every policy's outcomes of some cases are
compared with those that its own compiled form gives one by one. Two processes share the drugs.
"""

import argparse
import platform
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from families import write_library

from engine.inputs import Inputs
from engine.many import ManyPolicies
from policygrounds import KnowledgeBase

BLOCK = 16_384
"""Cases decided at a time: their lanes stay in the processor's caches."""
CHECKED = 200
"""Cases that each policy decides one by one as well."""
Timed = tuple[int, list[float]]
"""How many policies, and the seconds of each round for all cases."""


def main() -> None:
    """Print decisions a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=25, help="of each drug")
    parser.add_argument("--drugs", type=int, default=8)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        write_library(Path(name), options.drugs, options.policies, 0, options.seed)
        policies = KnowledgeBase.load(name).policies
        numbers = sorted(policies, key=lambda number: (policies[number].drug, number))
        each = -(-len(numbers) // options.processes)
        shares = [numbers[start : start + each] for start in range(0, len(numbers), each)]
        jobs = [(name, share, options.rows, options.rounds, options.seed) for share in shares]
        with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
            done = list(pool.map(_timed, jobs))
    decisions = sum(policies for policies, _ in done) * options.rows
    rounds = [max(seconds) for seconds in zip(*(times for _, times in done), strict=True)]
    print(
        f"{sum(policies for policies, _ in done)} policies, {options.rows:,} cases, "
        f"{options.processes} processes, {options.rounds} rounds; Python "
        f"{platform.python_version()}, {platform.machine()}\n"
        f"{decisions / median(rounds) / 1e9:.2f} thousand million decisions a second "
        f"({decisions / max(rounds) / 1e9:.2f} to {decisions / min(rounds) / 1e9:.2f})"
    )


def _timed(job: tuple[str, Sequence[str], int, int, int]) -> Timed:
    """Decide all cases under some policies, the policies of a drug together."""
    folder, numbers, rows, rounds, seed = job
    kb = KnowledgeBase.load(folder)
    draw = random.Random(seed)
    of_drug: dict[str, list[str]] = {}
    for number in numbers:
        of_drug.setdefault(kb.policies[number].drug, []).append(number)
    groups, blocks = [], -(-rows // BLOCK)
    for own in of_drug.values():
        stated = [kb.policies[number] for number in own]
        many = ManyPolicies(
            [(policy, policy.versions[-1], policy.default_readings) for policy in stated],
            kb.vocabulary,
        )
        _check(kb, many, own, draw)
        groups.append((many, [_drawn(many.inputs, BLOCK, draw) for _ in range(blocks)]))
    ones = (1 << BLOCK) - 1
    times = []
    for _ in range(rounds):
        begin = perf_counter()
        for many, packed in groups:
            for columns in packed:
                many.outcomes(columns, ones)
        times.append((perf_counter() - begin) * rows / (blocks * BLOCK))
    return len(numbers), times


def _drawn(inputs: Inputs, size: int, draw: random.Random) -> list[list[int]]:
    """Draw complete cases, each value by itself."""
    columns = []
    for domain in inputs.domains:
        rest, lanes = (1 << size) - 1, []
        for _ in range(domain.size - 1):
            lanes.append(rest & draw.getrandbits(size))
            rest ^= lanes[-1]
        columns.append([*lanes, rest])
    return columns


def _check(
    kb: KnowledgeBase, many: ManyPolicies, numbers: Sequence[str], draw: random.Random
) -> None:
    """Exit if a policy decides some of the cases otherwise than one by one."""
    columns = _drawn(many.inputs, CHECKED, draw)
    found = many.outcomes(columns, (1 << CHECKED) - 1)
    cases = []
    for lane in range(CHECKED):
        holds: dict[int, bool] = {}
        for domain, lanes in zip(many.inputs.domains, columns, strict=True):
            value = next(value for value, held in enumerate(lanes) if held >> lane & 1)
            holds |= {atom: bool(held_in >> value & 1) for atom, held_in in domain.atoms}
        cases.append(many.inputs.case(holds))
    for number, outcomes in zip(numbers, found, strict=True):
        compiled = kb.compile(number, on=kb.policies[number].versions[-1].start)
        for lane, facts in enumerate(cases):
            words = [
                word
                for word, held in zip(("approve", "refer", "deny"), outcomes, strict=True)
                if held >> lane & 1
            ]
            if compiled.outcome(facts).value != (words[0] if words else "pend"):
                sys.exit(f"{number} decides {facts} otherwise one by one")


if __name__ == "__main__":
    main()
