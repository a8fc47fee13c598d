"""Time the outcome of one case at a time: this engine, and everything else that decides one.

Complete cases are decided by packages that evaluate rules and by solvers, each prepared from the
same circuit as this engine's own form, by hand-written Python, and by a new clingo Control for each
case. Cases with a quarter of their facts unknown are decided by what decides them exactly: an
outcome only if every completion without a contradiction has it. Every round has cases of its own, which no
way has met before; after some of them have been decided, they are decided once more, and this is timed
by itself: what is then in the processor's caches, and what a way keeps, is there. Every answer is checked against `KnowledgeBase.outcome` while timing, all ways by
turns. What is slow is given fewer cases.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import clingo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import deciders  # noqa: E402 - after the path is set
import oracle  # noqa: E402 - the tests' plain-Python oracle is the hand-written peer
from determine import ON_FACTS  # noqa: E402 - after the path is set
from formula import PEND, CaseFacts, Decider, Formula  # noqa: E402 - likewise
from rounds import ROUNDS, Measured, by_turns, keep, kept_in, report, timed  # noqa: E402 - likewise

from policygrounds import Case, KnowledgeBase  # noqa: E402 - likewise

POLICIES = (("CP.PHAR.302", "2025-08-01"), ("5.21.071", "2024-01-01"))
OWN = "policygrounds"
WARM = 10_000
"""Other cases decided before any is timed: a service has decided many. What keeps answers or states
has them for cases like those to come."""
FEWEST = 5
ONCE_MORE = 100
"""Cases after which the same are decided once more."""
Times = dict[str, list[float]]
"""Of each way, the seconds that a case took in each round."""


def main() -> None:
    """Print the time a case took each way, of complete cases and of partial ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=1.0, help="most for one way in a round")
    kept_in(parser)
    arguments = parser.parse_args()
    if deciders.MISSING:
        print(f"left out, not installed: {', '.join(deciders.MISSING)}", file=sys.stderr)
    kb = KnowledgeBase.load()
    measured = []
    for policy, version in POLICIES:
        formula, fresh = Formula(kb, policy, version), Fresh(kb, policy, version)
        ours = own(kb, policy, version)
        draw = random.Random(302)
        drawn = WARM + arguments.cases * arguments.rounds
        cases = list(islice(complete_cases(draw, policy), drawn))
        by_hand = partial(_by_hand, policy, version)
        title = f"{policy} {version}, {arguments.rounds} rounds of {arguments.cases} cases"
        complete: dict[str, Decider] = {
            **ours,
            "hand-written Python": by_hand,
            "a new clingo Control": fresh.decide,
            **deciders.complete(formula),
        }
        partly_known: dict[str, Decider] = {
            **ours,
            "a new clingo Control": fresh.settle,
            **deciders.partly_known(formula),
        }
        for what, ways, own_cases in (
            ("complete", complete, cases),
            ("a quarter unknown", partly_known, [forgetting(draw, case) for case in cases]),
        ):
            for when, seconds in compare(f"{title}, {what}", ways, own_cases, arguments).items():
                measured.append(
                    Measured(f"{what}, {when}", policy, version, arguments.cases, seconds)
                )
    if arguments.json:
        keep(arguments.json, "one_case", measured)


def own(kb: KnowledgeBase, policy: str, version: str) -> dict[str, Decider]:
    """Return the ways of this package; the first is what all others are checked against."""

    def outcome(facts: CaseFacts) -> str:
        return kb.outcome(Case(policy=policy, on=version, facts=facts)).value

    compiled = kb.compile(policy, on=version)

    def compiled_outcome(facts: CaseFacts) -> str:
        return compiled.outcome(facts).value

    return {OWN: outcome, "policygrounds, compiled": compiled_outcome}


def compare(
    title: str,
    ways: Mapping[str, Decider],
    cases: Sequence[CaseFacts],
    arguments: argparse.Namespace,
) -> dict[str, Times]:
    """Time all ways by turns, and check each answer; return the times of new cases, and once more.

    The first cases are decided before, by all that is fast.
    """
    warm, timed_ones = cases[:WARM], cases[WARM:]
    expected = [ways[OWN](facts) for facts in timed_ones]
    runs: dict[str, Callable[[], float]] = {}
    again: Times = {name: [] for name in ways}
    for name, decide in ways.items():
        most = min(arguments.cases, _affordable(decide, warm, arguments.seconds))
        if most == arguments.cases:
            for facts in warm:
                decide(facts)
        starts = range(0, len(timed_ones), arguments.cases)
        parts = [slice(start, start + most) for start in starts]
        rounds = [(timed_ones[part], expected[part]) for part in parts]
        runs[name] = _run(name, decide, rounds, again[name])
    seconds = by_turns(runs, arguments.rounds)
    report(f"{title}, new ones", seconds, OWN)
    report(f"{title}, once more", again, OWN)
    return {"new": seconds, "once more": again}


def _affordable(decide: Decider, cases: Sequence[CaseFacts], seconds: float) -> int:
    """Return how many cases a way can decide in some seconds, judged by a few."""
    begin = perf_counter()
    for facts in cases[:FEWEST]:
        decide(facts)
    each = (perf_counter() - begin) / FEWEST
    return max(FEWEST, min(len(cases), int(seconds / each)))


def _run(
    name: str,
    decide: Decider,
    parts: Sequence[tuple[Sequence[CaseFacts], Sequence[str]]],
    again: list[float],
) -> Callable[[], float]:
    rounds = iter(parts)

    def run() -> float:
        cases, expected = next(rounds)
        new = more = 0.0
        for start in range(0, len(cases), ONCE_MORE):
            some = cases[start : start + ONCE_MORE]
            for once_more in (False, True):
                each, answers = timed(lambda: [decide(facts) for facts in some], 1)  # noqa: B023
                if answers != list(expected[start : start + ONCE_MORE]):
                    sys.exit(f"{name} disagrees with {OWN}")
                if once_more:
                    more += each
                else:
                    new += each
        again.append(more / len(cases))
        return new / len(cases)

    return run


def complete_cases(draw: random.Random, policy: str) -> Iterator[dict[str, Any]]:
    """Draw complete cases without a contradiction."""
    while True:
        facts: dict[str, Any] = oracle.random_case(draw, policy, complete=True, free_budget=1)
        if not oracle.contradictions(policy, oracle.complete_facts(facts)):
            yield facts


def forgetting(draw: random.Random, facts: CaseFacts) -> dict[str, Any]:
    """Leave out a quarter of the facts."""
    dropped = draw.sample(sorted(facts), len(facts) // 4)
    return {name: value for name, value in facts.items() if name not in dropped}


def _by_hand(policy: str, version: str, facts: CaseFacts) -> str:
    outcome: str = oracle.decide(policy, version, oracle.complete_facts(facts), {}).outcome
    return outcome


class Fresh:
    """A way to decide that grounds the policy anew, with the case as facts or as constraints."""

    def __init__(self, kb: KnowledgeBase, policy: str, version: str) -> None:
        self._facts = kb.vocabulary.facts
        stated = kb.policies[policy]
        program = stated.version(version).program
        (file,) = (ROOT / "kb" / "policies").rglob(f"{policy}_*.lp")
        encodings, vocabulary = ROOT / "engine" / "encodings", ROOT / "kb" / "vocabulary"
        self._turns: dict[str, list[int]] = {}
        compares = ""
        for comparison, fact, number, least in program.arguments("compares"):
            self._turns.setdefault(str(fact), []).append(int(least))
            compares += f"compares({comparison}, {fact}, {number}, {least}).\n"
        self._asked = {str(fact) for (fact,) in program.arguments("looked_at")}
        looked_at = "".join(f"looked_at({fact}).\n" for fact in sorted(self._asked))
        reads = [
            f'reads("{policy}", {name}, {choice})'
            for name, choice in stated.default_readings.items()
        ]
        texts = [
            file.read_text("ascii"),
            (vocabulary / "drugs.lp").read_text("ascii"),
            (vocabulary / "contradictions.lp").read_text("ascii"),
            (encodings / "language.lp").read_text("ascii"),
            f'as_of("{version}").\n#show outcome/1.\n{compares}',
        ]
        facts = "".join(f"{atom}.\n" for atom in reads)
        self._complete = "\n".join([*texts, ON_FACTS, "#show impossible/1.", facts])
        completions = (encodings / "completions.lp").read_text("ascii")
        known = [(vocabulary / f"{name}.lp").read_text("ascii") for name in ("diagnoses", "facts")]
        constraints = ":- impossible(_).\n" + "".join(f":- not {atom}.\n" for atom in reads)
        self._partial = "\n".join([*texts, *known, completions, looked_at, constraints])

    def decide(self, facts: CaseFacts) -> str:
        """Decide a complete case: it has one model."""
        lines = (line for name, value in facts.items() for line in self._stated(name, value))
        shown = self._solve(self._complete + "".join(lines))
        word = next((symbol for symbol in shown if symbol.name == "outcome"), None)
        impossible = any(symbol.name == "impossible" for symbol in shown)
        return PEND if impossible or word is None else str(word.arguments[0])

    def settle(self, facts: CaseFacts) -> str:
        """Decide a case with unknown facts: the outcomes that some model has are all there are."""
        asked = self._asked & facts.keys()
        lines = (line for name in sorted(asked) for line in self._required(name, facts[name]))
        shown = self._solve(self._partial + "".join(lines), "--enum-mode=brave", "0")
        return str(shown[0].arguments[0]) if len(shown) == 1 else PEND

    @staticmethod
    def _solve(text: str, *options: str) -> Sequence[clingo.Symbol]:
        control = clingo.Control(options, message_limit=0)
        control.add("base", [], text)
        control.ground([("base", [])])
        shown: Sequence[clingo.Symbol] = []

        def read(model: clingo.Model) -> None:
            nonlocal shown
            shown = model.symbols(shown=True)

        control.solve(on_model=read)
        return shown

    def _stated(self, name: str, value: Any) -> Iterator[str]:
        """Yield what is known of a fact as facts."""
        if isinstance(value, bool):
            yield from [f"yes({name}).\n"] if value else []
        elif isinstance(value, str):
            yield f"is({name}, {value}).\n"
        elif isinstance(value, list):
            yield from (f"includes({name}, {member}).\n" for member in value)
        else:
            yield f"stated({name}, {self._steps(name, value)}).\n"

    def _required(self, name: str, value: Any) -> Iterator[str]:
        """Yield what is known of a fact as constraints."""
        if isinstance(value, bool):
            yield f":- {'not ' if value else ''}yes({name}).\n"
        elif isinstance(value, str):
            yield f":- not is({name}, {value}).\n"
        elif isinstance(value, list):
            for member in self._facts[name].values:
                yield f":- {'not ' if member in value else ''}includes({name}, {member}).\n"
        else:
            steps = self._steps(name, value)
            for least in self._turns.get(name, ()):
                yield f":- {'not ' if steps >= least else ''}reaches({name}, {least}).\n"

    def _steps(self, name: str, value: float) -> int:
        return round(value * int(10 ** self._facts[name].decimals))


if __name__ == "__main__":
    main()
