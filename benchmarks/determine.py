"""Time one case at a time: this engine, a new clingo Control per case, and hand-written Python.

Every answer is checked against the hand-written one while timing. Ratios hold from machine to
machine; decisions a second do not.
"""

import argparse
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import clingo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import oracle  # noqa: E402 - the tests' plain-Python oracle is the hand-written peer

from policygrounds import Case, KnowledgeBase  # noqa: E402 - after the path is set

POLICY, VERSION = "CP.PHAR.302", "2025-08-01"

ON_FACTS = """
reaches(Fact, Least) :- compares(_, Fact, _, Least), stated(Fact, Steps), Steps >= Least.
at_least(Fact, Number) :- compares(at_least, Fact, Number, Least), reaches(Fact, Least).
more_than(Fact, Number) :- compares(more_than, Fact, Number, Least), reaches(Fact, Least).
at_most(Fact, Number) :- compares(at_most, Fact, Number, Least), not reaches(Fact, Least).
less_than(Fact, Number) :- compares(less_than, Fact, Number, Least), not reaches(Fact, Least).
#show outcome/1.
#defined stated/2. #defined yes/1. #defined is/2. #defined includes/2.
"""
"""What a program on stated facts needs in place of the encoding that completes unknown ones."""


def main() -> None:
    """Print decisions a second of each way, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    kb = KnowledgeBase.load()
    cases = complete_cases(kb, arguments.cases)
    expected = [by_hand(facts) for facts in cases]
    policy = kb.policies[POLICY]
    defaults = {name: reading.default for name, reading in policy.readings.items()}

    def outcome(facts: Mapping[str, object]) -> str:
        return kb.outcome(Case(policy=POLICY, on=VERSION, facts=facts)).value

    def determination(facts: Mapping[str, object]) -> str:
        return kb.determine(Case(policy=POLICY, on=VERSION, facts=facts)).outcome.value

    fresh = fresh_control(kb, defaults)
    ways: dict[str, Callable[[Mapping[str, object]], str]] = {
        "hand-written Python": by_hand,
        "policygrounds, outcome": outcome,
        "policygrounds, determination": determination,
        "a new clingo Control": fresh,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, decide in ways.items():
            begin = time.perf_counter()
            answers = [decide(facts) for facts in cases]
            times[name].append((time.perf_counter() - begin) / len(cases))
            if answers != expected:
                sys.exit(f"{name} disagrees with the hand-written answers")
    report(times, arguments.cases, arguments.rounds)


def complete_cases(kb: KnowledgeBase, number: int) -> list[Mapping[str, object]]:
    """Draw complete cases without a contradiction, the same ones on every run."""
    draw = random.Random(302)
    cases: list[Mapping[str, object]] = []
    while len(cases) < number:
        facts = oracle.random_case(draw, POLICY, complete=True, free_budget=1)
        if not kb.determine(Case(policy=POLICY, on=VERSION, facts=facts)).problems:
            cases.append(facts)
    return cases


def by_hand(facts: Mapping[str, object]) -> str:
    """Decide by the oracle's functions."""
    return oracle.decide(POLICY, VERSION, oracle.complete_facts(facts), {}).outcome


def fresh_control(
    kb: KnowledgeBase, readings: Mapping[str, str]
) -> Callable[[Mapping[str, object]], str]:
    """Return a way to decide that grounds the policy anew, with the case as facts."""
    (file,) = (ROOT / "kb" / "policies").rglob(f"{POLICY}_*.lp")
    vocabulary = (ROOT / "kb" / "vocabulary" / "drugs.lp").read_text("ascii")
    language = (ROOT / "engine" / "encodings" / "language.lp").read_text("ascii")
    program = kb.policies[POLICY].version(VERSION).program
    compares = "".join(
        f"compares({comparison}, {fact}, {number}, {least}).\n"
        for comparison, fact, number, least in program.arguments("compares")
    )
    chosen = "".join(f'reads("{POLICY}", {name}, {choice}).\n' for name, choice in readings.items())
    policy, day = file.read_text("ascii"), f'as_of("{VERSION}").'
    stated = f"{policy}\n{vocabulary}\n{language}\n{ON_FACTS}\n{compares}\n{chosen}\n{day}"

    def decide(facts: Mapping[str, object]) -> str:
        control = clingo.Control()
        control.add("base", [], stated + "".join(_facts(kb, facts)))
        control.ground([("base", [])])
        shown: list[str] = []
        control.solve(on_model=lambda model: shown.extend(map(str, model.symbols(shown=True))))
        (only,) = shown
        return only.removeprefix("outcome(").removesuffix(")")

    return decide


def _facts(kb: KnowledgeBase, facts: Mapping[str, object]) -> Sequence[str]:
    lines = []
    for name, value in facts.items():
        if isinstance(value, bool):
            lines += [f"yes({name}).\n"] if value else []
        elif isinstance(value, str):
            lines.append(f"is({name}, {value}).\n")
        elif isinstance(value, list):
            lines += [f"includes({name}, {member}).\n" for member in value]
        else:
            steps = round(float(str(value)) * 10 ** kb.vocabulary.facts[name].decimals)
            lines.append(f"stated({name}, {steps}).\n")
    return lines


def report(times: Mapping[str, Sequence[float]], cases: int, rounds: int) -> None:
    """Print medians and spread, with ratios to a new Control per case."""
    print(
        f"{POLICY} {VERSION}, {cases} complete cases, {rounds} rounds; Python "
        f"{platform.python_version()}, clingo {version('clingo')}, {platform.machine()}"
    )
    control = statistics.median(times["a new clingo Control"])
    hand = statistics.median(times["hand-written Python"])
    print(f"{'':30}{'a second':>12}{'spread':>16}{'x Control':>12}{'x Python':>12}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        spread = f"{1 / max(seconds):,.0f}-{1 / min(seconds):,.0f}"
        print(
            f"{name:30}{1 / median:>12,.0f}{spread:>16}{control / median:>12.3g}{hand / median:>12.3g}"
        )


if __name__ == "__main__":
    main()
