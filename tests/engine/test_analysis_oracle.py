"""The analysis, compared with brute force: a slice of what benchmarks/soak_analysis.py does.

The brute force is checked first, by hand.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import analysed_cases
import oracle
import pytest
from analysed import Laid, Universe, expected_differences, expected_findings, faults_of_regions
from analysed_cases import Reading
from explanations import Fact, Interval
from soak_analysis import (
    checked_packaged,
    compare_synthetic,
    compared_packaged,
    random_folder,
    routed_packaged,
)

from policygrounds import KnowledgeBase

SEED = "slice"

# --- The brute force itself -----------------------------------------------------------------

FACTS = (
    Fact("evidence", "boolean", "document"),
    Fact("weeks", "number", "wait", (Interval(0, 3), Interval(4, 7), Interval(8, 52))),
    Fact("drugs", "set", "prescribe", ("first", "second")),
)
UNIVERSE = Universe(FACTS)


def cases(**values: object) -> int:
    """Return the cases that have these values, decided one by one."""
    return sum(
        1 << place
        for place, point in enumerate(UNIVERSE.points())
        if all(point[name] == value for name, value in values.items())
    )


def test_by_hand_all_cases_are_laid_out_side_by_side() -> None:
    assert UNIVERSE.size == 2 * 3 * 4
    assert UNIVERSE.having("evidence", [1]) == cases(evidence=True)
    assert UNIVERSE.having("weeks", [1]) == cases(weeks=4)
    both = frozenset({"first", "second"})
    assert UNIVERSE.within({"drugs.first": (1,), "drugs.second": (1,)}) == cases(drugs=both)


def test_by_hand_a_unit_is_turned_in_one_case() -> None:
    before = cases(evidence=True, weeks=4, drugs=frozenset())
    assert UNIVERSE.turned(before, "weeks", 1, 2) == cases(
        evidence=True, weeks=8, drugs=frozenset()
    )
    assert UNIVERSE.turned(before, "weeks", 0, 2) == 0
    assert UNIVERSE.turned(before, "evidence", 1, 0) == cases(
        evidence=False, weeks=4, drugs=frozenset()
    )
    assert UNIVERSE.differ_in("weeks", before, cases(weeks=8))
    assert not UNIVERSE.differ_in("evidence", before, cases(weeks=8))


LONG = {"weeks": (1, 2)}
KNOWN = {"evidence": (1,)}


@pytest.mark.parametrize(
    ("regions", "wrong"),
    [
        ([LONG, KNOWN], 0),
        ([LONG], 1),
        ([LONG, {**KNOWN, "weeks": (0,)}], 2),
        ([{"weeks": (1,)}, {"weeks": (2,)}, KNOWN], 2),
        ([LONG, KNOWN, {**KNOWN, "drugs.first": (1,)}], 2),
        ([{"weeks": (0, 1, 2)}, KNOWN], 3),
    ],
)
def test_by_hand_regions_are_prime_and_needed_and_cover(
    regions: list[Mapping[str, tuple[int, ...]]], wrong: int
) -> None:
    wanted = UNIVERSE.within(LONG) | UNIVERSE.within(KNOWN)
    assert len(list(faults_of_regions(UNIVERSE, regions, wanted, UNIVERSE.ones))) >= bool(wrong)
    if not wrong:
        assert not list(faults_of_regions(UNIVERSE, regions, wanted, UNIVERSE.ones))


def test_a_policy_does_not_differ_from_itself_and_finds_the_fault_it_has() -> None:
    folder = random_folder(random.Random(SEED), 30, 100)
    kinds: Counter[str] = Counter()
    for policy in folder.policies:
        version = policy.versions[-1]
        readings = {name: choices[0] for name, choices in policy.readings.items()}
        laid = Laid(Universe(policy.facts), policy, version, readings)
        assert not expected_differences(laid, laid)
        expected, _ = expected_findings(policy, version, readings)
        kinds.update(kind for kind, _ in expected.findings)
    assert kinds["no-outcome"] or kinds["several-outcomes"]
    assert len(kinds) > 8


# --- The engine -----------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(2))
def test_random_policies_are_analysed_as_brute_force_analyses_them(part: int) -> None:
    counts: Counter[str] = Counter()
    for counted, disagreements in compare_synthetic(
        seed=f"{SEED}:{part}", policies=8, most_points=150
    ):
        assert not disagreements
        counts += counted
    assert counts["synthetic versions checked"] >= 8
    assert counts["synthetic comparisons"] > 2


def test_readings_that_move_a_part_alone_are_found_as_brute_force_finds_them() -> None:
    counts: Counter[str] = Counter()
    for part in (2, 109, 151):
        for counted, disagreements in compare_synthetic(
            seed=f"readings:{part}", policies=3, most_points=100
        ):
            assert not disagreements
            counts += counted
    assert counts["readings that move a part alone"] > 2


def read(policy: str, version: str) -> Reading:
    return Reading(policy, version, next(analysed_cases.all_readings(policy)))


@pytest.mark.parametrize("policy", sorted(oracle.VERSIONS))
def test_no_patient_refutes_what_is_found_of_the_packaged_policies(
    kb: KnowledgeBase, policy: str
) -> None:
    rng = random.Random(SEED)
    chosen = replace(
        read(policy, oracle.VERSIONS[policy][-1]), readings=oracle.random_readings(rng, policy)
    )
    _, disagreements = checked_packaged(kb, chosen, seed=SEED, patients=100)
    assert not disagreements


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((oracle.CENTENE, "2022-08-01"), (oracle.CENTENE, "2023-08-01")),
        ((oracle.CENTENE, "2023-08-01"), (oracle.CENTENE, "2024-08-01")),
        ((oracle.FEP, "2024-01-01"), (oracle.CENTENE, "2023-08-01")),
    ],
)
def test_no_patient_is_outside_of_the_regions_where_the_packaged_policies_part(
    kb: KnowledgeBase, first: tuple[str, str], second: tuple[str, str]
) -> None:
    counts, disagreements = compared_packaged(
        kb, read(*first), read(*second), seed=SEED, patients=150
    )
    assert not disagreements
    assert counts["regions of packaged policies"] > 10


@pytest.mark.parametrize("outcome", ["approve", "deny"])
def test_every_patient_of_an_outcome_is_on_a_route_to_it(kb: KnowledgeBase, outcome: str) -> None:
    chosen = read(oracle.FEP, "2024-01-01")
    counts, disagreements = routed_packaged(kb, chosen, outcome, seed=SEED, patients=200)
    assert not disagreements
    assert counts["routes of packaged policies"] > 1
