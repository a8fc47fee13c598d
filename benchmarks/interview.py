"""Count the questions an interview asks, over random complete patients.

Beside them: the facts the policy looks at, which is what asking for everything takes, and the
questions it takes to ask in the order of the policy's sections until the outcome is certain. Each
interview must end with the outcome of the complete case.
"""

import argparse
import random
import statistics
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

import oracle

from engine.circuit import Circuit
from engine.inputs import Inputs
from engine.question import order_of
from policygrounds import Case, KnowledgeBase
from queries.interview import Interview


def main() -> None:
    """Print the averages for each policy's latest version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    kb = KnowledgeBase.load()
    print(f"{arguments.patients} random complete patients each; questions asked on average")
    print(f"{'':14}{'interview':>12}{'in order, until certain':>26}{'all facts':>12}")
    for policy, versions in oracle.VERSIONS.items():
        draw = random.Random(arguments.seed)
        order = facts_in_order(kb, policy)
        asked: list[int] = []
        in_order: list[int] = []
        while len(asked) < arguments.patients:
            facts = oracle.random_case(draw, policy, complete=True, free_budget=1)
            if kb.determine(Case(policy=policy, on=versions[-1], facts=facts)).problems:
                continue
            asked.append(questions_of_interview(kb, policy, versions[-1], facts))
            in_order.append(questions_in_order(kb, policy, versions[-1], facts, order))
        means = (statistics.mean(asked), statistics.mean(in_order))
        print(f"{policy:14}{means[0]:>12.1f}{means[1]:>26.1f}{len(order):>12}")


def facts_in_order(kb: KnowledgeBase, policy: str) -> list[str]:
    """Return the facts a policy looks at, in the order of its sections."""
    version = kb.policies[policy].versions[-1]
    inputs = Inputs(version.program, kb.vocabulary.facts)
    first = order_of(Circuit(version.program, inputs), version)
    return [*first, *(fact for fact in inputs.of_fact if fact not in first)]


def questions_of_interview(
    kb: KnowledgeBase, policy: str, day: str, facts: dict[str, object]
) -> int:
    """Return how many questions an interview with a patient asks."""
    interview = Interview(kb, Case(policy=policy, on=day))
    while (question := interview.question()) is not None:
        interview.answer(question.fact, facts[question.fact])
    expected = kb.outcome(Case(policy=policy, on=day, facts=facts))
    if interview.determination().outcome is not expected:
        sys.exit(f"{policy}: an interview ends otherwise than the complete case, {facts}")
    return len(interview.asked)


def questions_in_order(
    kb: KnowledgeBase, policy: str, day: str, facts: dict[str, object], order: list[str]
) -> int:
    """Return how many facts have to be asked in an order until the outcome is certain."""
    known: dict[str, object] = {}
    for asked, fact in enumerate(order):
        if kb.outcome(Case(policy=policy, on=day, facts=known)).value != "pend":
            return asked
        known[fact] = facts[fact]
    return len(order)


if __name__ == "__main__":
    main()
