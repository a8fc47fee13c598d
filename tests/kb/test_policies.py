"""What the two policies say: every pathway, criterion, number, date, reading and open question."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise, permutations, product
from pathlib import Path
from typing import Any, TypeAlias

import oracle
import pytest
from oracle import CENTENE, FEP, VERSIONS

from policygrounds import (
    Case,
    CriterionStatus,
    Determination,
    KnowledgeBase,
    Outcome,
    Status,
    UncoveredDateError,
)

Facts: TypeAlias = dict[str, Any]
Readings: TypeAlias = Mapping[str, str]

VIGNETTES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "examples" / "vignettes.json").read_text()
)
LATEST = {policy: versions[-1] for policy, versions in VERSIONS.items()}
EVERY_VERSION = [(policy, version) for policy in VERSIONS for version in VERSIONS[policy]]

# An approved first request for relapsed myeloma, with every fact known.
BASE: Facts = VIGNETTES[1]["facts"] | {"response": "partial"}


def decide(
    kb: KnowledgeBase,
    policy: str,
    facts: Facts,
    *,
    on: str | None = None,
    readings: Readings | None = None,
) -> Determination:
    """Decide what differs from the base case, under the latest version if no date is given."""
    line = {"line_of_business": "fep"} if policy == FEP else {}
    case = Case(policy=policy, on=on or LATEST[policy], facts=BASE | line | facts)
    return kb.determine(case, readings=readings)


def nodes(node: CriterionStatus) -> Iterator[CriterionStatus]:
    yield node
    for part in node.parts:
        yield from nodes(part)


def statuses(determination: Determination) -> dict[str, Status]:
    return {node.section: node.status for node in nodes(determination.criteria)}


def way_down(node: CriterionStatus, section: str) -> list[str]:
    """List the sections from a node down to one below it; empty if it is not there."""
    if node.section == section:
        return [section]
    for part in node.parts:
        below = way_down(part, section)
        if below:
            return [node.section, *below]
    return []


def holds(node: CriterionStatus, *, granted: str = "") -> bool:
    """Tell whether a criterion of a complete case is met by its leaves, one of them granted."""
    if node.section == granted:
        return True
    if not node.parts:
        return node.status is Status.MET
    met = [holds(part, granted=granted) for part in node.parts]
    return all(met) if node.needs == "all" else any(met)


# --- The vignettes --------------------------------------------------------------------------


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda vignette: vignette["id"])
def test_a_vignette_is_decided_as_expected(kb: KnowledgeBase, vignette: dict[str, Any]) -> None:
    expected = vignette["expected"]
    answer = kb.determine(Case.from_json(vignette)).to_json()
    authorization: Any = answer["authorization"]
    assert {
        "outcome": answer["outcome"],
        "basis": answer["basis"],
        "months": authorization["months"],
        "refer_to": answer["refer_to"],
    } == {**expected, "refer_to": [expected["refer_to"]] if expected["refer_to"] else []}


# --- Approvals: every pathway and alternative -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved case: what differs from the base case, and the alternatives it is met by.

    It holds in the versions from `since` on and before `before`.
    """

    policy: str
    pathway: str
    ways: tuple[str, ...]
    facts: Facts
    since: str = ""
    before: str = "9999"
    readings: Readings = field(default_factory=dict)

    def versions(self) -> list[str]:
        versions = VERSIONS[self.policy]
        return [version for version in versions if self.since <= version < self.before]


RENEWAL: Facts = {
    "request": "continuation",
    "currently_receiving": True,
    "paid_by_plan": True,
    "responding": True,
}
DOCUMENTED: Facts = RENEWAL | {
    "paid_by_plan": False,
    "covered_indication": True,
    "days_on_drug": 30,
}
INCREASE: Facts = RENEWAL | {"dose_increase": True}
ABOVE_LIMIT: Facts = {"weekly_dose_mg": 5.5, "dose_evidence": True}
AFTER_TWO_LINES: Facts = {
    "regimen": ["ixazomib", "pomalidomide", "dexamethasone"],
    "prior_lines": 2,
    "prior_drugs": ["bortezomib", "lenalidomide", "daratumumab", "dexamethasone"],
    "refractory_to": ["lenalidomide"],
    "days_to_progression": 60,
}
SUBSTITUTE: Facts = {
    "regimen": ["ixazomib", "dexamethasone"],
    "substitution_reason": "logistical",
    "regimen_recommended": True,
}
LATE_RELAPSE: Facts = SUBSTITUTE | {"same_regimen_as_induction": True, "months_since_induction": 6}
FIRST_LINE: Facts = SUBSTITUTE | {
    "treatment_setting": "primary",
    "disease_state": "newly_diagnosed",
    "prior_lines": 0,
    "prior_drugs": [],
}
AMYLOIDOSIS: Facts = {"diagnosis": "al_amyloidosis", "regimen": ["ixazomib", "dexamethasone"]}
WALDENSTROM: Facts = {
    "diagnosis": "waldenstrom_macroglobulinemia",
    "regimen": ["ixazomib", "rituximab", "dexamethasone"],
}
WITH_CYCLOPHOSPHAMIDE: Facts = {"regimen": ["ixazomib", "cyclophosphamide", "dexamethasone"]}
WITH_VENETOCLAX: Facts = {
    "regimen": ["ixazomib", "venetoclax", "dexamethasone"],
    "t_11_14": True,
}
WAIVED = {"primary_treatment_prior_therapy": "waived"}

APPROVED: dict[str, Approved] = {
    "FEP prior approval": Approved(FEP, "Prior-Approval", (), {}),
    "FEP prior approval, dexamethasone alone": Approved(
        FEP, "Prior-Approval", (), {"regimen": ["dexamethasone"]}
    ),
    "FEP renewal": Approved(FEP, "Renewal", (), RENEWAL),
    "I.A.5.a with lenalidomide": Approved(CENTENE, "I.A", ("I.A.5.a", "I.A.6.a"), {}),
    "I.A.5.a with cyclophosphamide": Approved(
        CENTENE, "I.A", ("I.A.5.a", "I.A.6.a"), WITH_CYCLOPHOSPHAMIDE
    ),
    "I.A.5.b": Approved(CENTENE, "I.A", ("I.A.5.b", "I.A.6.a"), AFTER_TWO_LINES),
    "I.A.5.c": Approved(
        CENTENE, "I.A", ("I.A.5.c", "I.A.6.a"), WITH_VENETOCLAX, since="2024-08-01"
    ),
    "I.A.5.d at relapse": Approved(
        CENTENE, "I.A", ("I.A.5.d", "I.A.5.d (relapse)"), LATE_RELAPSE, since="2025-08-01"
    ),
    "I.A.5.d as primary treatment": Approved(
        CENTENE,
        "I.A",
        ("I.A.5.d", "I.A.5.d (primary)"),
        FIRST_LINE,
        since="2025-08-01",
        readings=WAIVED,
    ),
    "I.A.5 dexamethasone alone": Approved(
        CENTENE,
        "I.A",
        ("I.A.5 (dexamethasone alone)",),
        {"regimen": ["ixazomib", "dexamethasone"]},
        before="2023-08-01",
    ),
    "I.A.6.b": Approved(CENTENE, "I.A", ("I.A.6.b",), ABOVE_LIMIT),
    "I.B.4.a": Approved(CENTENE, "I.B", ("I.B.4.a",), AMYLOIDOSIS),
    "I.B.4.b": Approved(
        CENTENE, "I.B", ("I.B.4.b",), {"diagnosis": "al_amyloidosis", "disease_state": "refractory"}
    ),
    "I.B.4.c": Approved(
        CENTENE, "I.B", ("I.B.4.c",), AMYLOIDOSIS | WITH_CYCLOPHOSPHAMIDE, since="2024-08-01"
    ),
    "I.B.4 single agent": Approved(
        CENTENE,
        "I.B",
        ("I.B.4 (single agent)",),
        AMYLOIDOSIS | {"regimen": ["ixazomib"]},
        before="2023-08-01",
    ),
    "I.B.5 by evidence": Approved(CENTENE, "I.B", ("I.B.4.a",), AMYLOIDOSIS | ABOVE_LIMIT),
    "I.C": Approved(CENTENE, "I.C", (), WALDENSTROM),
    "I.C lymphoplasmacytic lymphoma": Approved(
        CENTENE, "I.C", (), WALDENSTROM | {"diagnosis": "lymphoplasmacytic_lymphoma"}
    ),
    "I.C.5 by evidence": Approved(CENTENE, "I.C", (), WALDENSTROM | ABOVE_LIMIT),
    "II.A by benefit": Approved(
        CENTENE,
        "II.A",
        ("II.A.1 (benefit)",),
        RENEWAL | {"weekly_dose_mg": 5.5},
    ),
    "II.A by documentation": Approved(CENTENE, "II.A", ("II.A.1 (documentation)",), DOCUMENTED),
    "II.A for amyloidosis": Approved(CENTENE, "II.A", ("II.A.1 (benefit)",), RENEWAL | AMYLOIDOSIS),
    "II.A for Waldenstrom": Approved(CENTENE, "II.A", ("II.A.1 (benefit)",), RENEWAL | WALDENSTROM),
    "II.A.3.a by benefit": Approved(CENTENE, "II.A", ("II.A.1 (benefit)", "II.A.3.a"), INCREASE),
    "II.A.3.a by documentation": Approved(
        CENTENE,
        "II.A",
        ("II.A.1 (documentation)", "II.A.3.a"),
        DOCUMENTED | {"dose_increase": True},
    ),
    "II.A.3.b by benefit": Approved(
        CENTENE, "II.A", ("II.A.1 (benefit)", "II.A.3.b"), INCREASE | ABOVE_LIMIT
    ),
    "II.A.3.b by documentation": Approved(
        CENTENE,
        "II.A",
        ("II.A.1 (documentation)", "II.A.3.b"),
        DOCUMENTED | ABOVE_LIMIT | {"dose_increase": True},
    ),
}
APPROVED_BY_VERSION = [
    (name, version) for name, approved in APPROVED.items() for version in approved.versions()
]


def decide_approved(
    kb: KnowledgeBase,
    name: str,
    changes: Facts | None = None,
    *,
    on: str | None = None,
    readings: Readings | None = None,
) -> Determination:
    """Decide a case of the table with some facts changed."""
    approved = APPROVED[name]
    return decide(
        kb,
        approved.policy,
        approved.facts | (changes or {}),
        on=on or approved.versions()[-1],
        readings={**approved.readings, **(readings or {})},
    )


@pytest.mark.parametrize(("name", "version"), APPROVED_BY_VERSION)
def test_each_way_to_be_approved_is_approved_under_its_pathway(
    kb: KnowledgeBase, name: str, version: str
) -> None:
    determination = decide_approved(kb, name, on=version)
    assert determination.outcome is Outcome.APPROVE
    assert determination.basis == ("medically_necessary",)
    assert determination.pathways == (APPROVED[name].pathway,)
    assert determination.criteria.status is Status.MET


@pytest.mark.parametrize(("name", "version"), APPROVED_BY_VERSION)
def test_an_approved_case_meets_the_alternatives_it_names_and_none_beside_them(
    kb: KnowledgeBase, name: str, version: str
) -> None:
    tree = decide_approved(kb, name, on=version).criteria
    for way in APPROVED[name].ways:
        parent = next(node for node in nodes(tree) if way in [part.section for part in node.parts])
        assert [part.section for part in parent.parts if part.status is Status.MET] == [way]


def test_the_table_approves_under_every_pathway_of_every_version(kb: KnowledgeBase) -> None:
    tested = {
        (APPROVED[name].policy, version, APPROVED[name].pathway)
        for name, version in APPROVED_BY_VERSION
    }
    assert tested == {
        (policy, version, part.section)
        for policy, version in EVERY_VERSION
        for part in kb.determine(Case(policy=policy, on=version)).criteria.parts
    }


def test_the_table_approves_by_every_alternative_of_every_version(kb: KnowledgeBase) -> None:
    met, listed = set[tuple[str, str]](), set[tuple[str, str]]()
    for name, version in APPROVED_BY_VERSION:
        for node in nodes(decide_approved(kb, name, on=version).criteria):
            if node.needs == "any":
                listed |= {(version, part.section) for part in node.parts}
                met |= {(version, part.section) for part in node.parts if part.status is Status.MET}
    assert met == listed


@pytest.mark.parametrize(("name", "version"), APPROVED_BY_VERSION)
def test_an_inner_criterion_is_met_as_its_parts_say(
    kb: KnowledgeBase, name: str, version: str
) -> None:
    untreated = {"prior_lines": 0, "prior_drugs": [], "refractory_to": []}
    overdosed = {"weekly_dose_mg": 8, "dose_increase": True}
    variants: list[Facts] = [{}, {"regimen": []}, untreated, overdosed]
    for changes in variants:
        for node in nodes(decide_approved(kb, name, changes, on=version).criteria):
            assert (node.status is Status.MET) == holds(node)


# --- Criteria: each fails alone -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fails:
    """A change to an approved case by which a criterion fails alone, and what comes of it.

    `given` is laid over the approved case first, and leaves it approved.
    """

    approved: str
    change: Facts
    outcome: Outcome
    given: Facts = field(default_factory=dict)
    readings: Readings = field(default_factory=dict)
    since: str = ""


RECOMMENDED: Facts = {"regimen_recommended": True}
NO_DRUGS: Facts = {"prior_drugs": []}
NO_LINE: Facts = {"prior_lines": 0}
DENY, REFER = Outcome.DENY, Outcome.REFER

FAILS: dict[tuple[str, str], Fails] = {
    (FEP, "Prior-Approval.Age"): Fails("FEP prior approval", {"age": 17}, DENY),
    (FEP, "Prior-Approval.Diagnosis.1"): Fails(
        "FEP prior approval", {"diagnosis": "al_amyloidosis"}, DENY
    ),
    (FEP, "Prior-Approval.Diagnosis.1.a"): Fails(
        "FEP prior approval", {"regimen": ["ixazomib", "lenalidomide"]}, DENY
    ),
    (FEP, "Prior-Approval.a"): Fails("FEP prior approval", NO_LINE, DENY, given=NO_DRUGS),
    (FEP, "Prior-Approval.b"): Fails(
        "FEP prior approval", {"regimen": ["ixazomib", "bortezomib", "dexamethasone"]}, DENY
    ),
    (FEP, "Renewal.Age"): Fails("FEP renewal", {"age": 17}, DENY),
    (FEP, "Renewal.Diagnosis.1"): Fails("FEP renewal", {"diagnosis": "other"}, DENY),
    (FEP, "Renewal.Diagnosis.1.a"): Fails("FEP renewal", {"regimen": ["ixazomib"]}, DENY),
    (FEP, "Renewal.a"): Fails("FEP renewal", {"unacceptable_toxicity": True}, DENY),
    (FEP, "Renewal.b"): Fails(
        "FEP renewal", {"regimen": ["ixazomib", "carfilzomib", "dexamethasone"]}, DENY
    ),
    (CENTENE, "I.A.2"): Fails("I.A.5.a with lenalidomide", {"prescriber": "other"}, DENY),
    (CENTENE, "I.A.3"): Fails("I.A.5.a with lenalidomide", {"age": 17}, REFER),
    (CENTENE, "I.A.4"): Fails("I.A.5.a with lenalidomide", NO_LINE, DENY, given=NO_DRUGS),
    (CENTENE, "I.A.5.a"): Fails(
        "I.A.5.a with lenalidomide",
        {"regimen": ["ixazomib", "lenalidomide"]},
        REFER,
        given=RECOMMENDED,
    ),
    (CENTENE, "I.A.5 (dexamethasone alone)"): Fails(
        "I.A.5 dexamethasone alone", {"regimen": ["ixazomib"]}, REFER, given=RECOMMENDED
    ),
    (CENTENE, "I.A.5.b (refractory)"): Fails(
        "I.A.5.b", {"refractory_to": []}, REFER, given=RECOMMENDED, since="2025-08-01"
    ),
    (CENTENE, "I.A.5.b.i"): Fails(
        "I.A.5.b", {"regimen": ["ixazomib", "pomalidomide"]}, REFER, given=RECOMMENDED
    ),
    (CENTENE, "I.A.5.b.ii (lines)"): Fails("I.A.5.b", {"prior_lines": 1}, REFER, given=RECOMMENDED),
    (CENTENE, "I.A.5.b.ii (immunomodulator)"): Fails(
        "I.A.5.b",
        {"prior_drugs": ["bortezomib", "daratumumab", "dexamethasone"]},
        REFER,
        given=RECOMMENDED | {"refractory_to": ["daratumumab"]},
    ),
    (CENTENE, "I.A.5.b.ii (proteasome inhibitor)"): Fails(
        "I.A.5.b",
        {"prior_drugs": ["lenalidomide", "daratumumab", "dexamethasone"]},
        REFER,
        given=RECOMMENDED,
    ),
    (CENTENE, "I.A.5.b.iii"): Fails(
        "I.A.5.b", {"days_to_progression": 61}, REFER, given=RECOMMENDED
    ),
    (CENTENE, "I.A.5.c"): Fails("I.A.5.c", {"t_11_14": False}, REFER, given=RECOMMENDED),
    (CENTENE, "I.A.5.d (primary)"): Fails(
        "I.A.5.d as primary treatment",
        {"treatment_setting": "subsequent", "prior_lines": 1},
        REFER,
    ),
    (CENTENE, "I.A.5.d (relapse)"): Fails(
        "I.A.5.d at relapse", {"transplant_candidate": True}, REFER
    ),
    (CENTENE, "I.A.6.a"): Fails("I.A.5.a with lenalidomide", {"weekly_dose_mg": 4.1}, REFER),
    (CENTENE, "I.A.6.b"): Fails("I.A.6.b", {"dose_evidence": False}, REFER),
    (CENTENE, "I.A.*"): Fails("I.A.5.d at relapse", {"regimen_recommended": False}, REFER),
    (CENTENE, "I.B.1"): Fails("I.B.4.a", {"disease_state": "remission"}, REFER),
    (CENTENE, "I.B.2"): Fails("I.B.4.a", {"prescriber": "other"}, DENY),
    (CENTENE, "I.B.3"): Fails("I.B.4.a", {"age": 17}, REFER),
    (CENTENE, "I.B.4.a"): Fails("I.B.4.a", {"regimen": ["bortezomib"]}, REFER, given=RECOMMENDED),
    (CENTENE, "I.B.4.b"): Fails("I.B.4.b", {"regimen": ["lenalidomide"]}, REFER, given=RECOMMENDED),
    (CENTENE, "I.B.4.c"): Fails(
        "I.B.4.c", {"regimen": ["cyclophosphamide"]}, REFER, given=RECOMMENDED
    ),
    (CENTENE, "I.B.4 (single agent)"): Fails(
        "I.B.4 single agent", {"regimen": ["bortezomib"]}, REFER, given=RECOMMENDED
    ),
    (CENTENE, "I.B.5"): Fails("I.B.4.a", {"dosing_weeks": 4}, REFER),
    (CENTENE, "I.C.1"): Fails(
        "I.C",
        {"diagnosis": "lymphoplasmacytic_lymphoma"},
        REFER,
        readings={"lymphoma_without_igm": "igm_only"},
    ),
    (CENTENE, "I.C.2"): Fails("I.C", {"prescriber": "other"}, DENY),
    (CENTENE, "I.C.3"): Fails("I.C", {"age": 17}, REFER),
    (CENTENE, "I.C.4"): Fails("I.C", {"regimen": ["rituximab"]}, REFER, given=RECOMMENDED),
    (CENTENE, "I.C.5"): Fails("I.C", {"cycle_days": 27}, REFER),
    (CENTENE, "II.A (indication)"): Fails(
        "II.A for amyloidosis",
        {"disease_state": "remission"},
        REFER,
        readings={"continued_indication": "criteria"},
    ),
    (CENTENE, "II.A.1 (benefit)"): Fails("II.A by benefit", {"paid_by_plan": False}, DENY),
    (CENTENE, "II.A.1 (documentation)"): Fails("II.A by documentation", {"days_on_drug": 29}, DENY),
    (CENTENE, "II.A.2"): Fails("II.A by benefit", {"responding": False}, DENY),
    (CENTENE, "II.A.3 (no increase)"): Fails("II.A by benefit", {"dose_increase": True}, REFER),
    (CENTENE, "II.A.3.a"): Fails("II.A.3.a by benefit", {"weekly_dose_mg": 4.1}, REFER),
    (CENTENE, "II.A.3.b"): Fails("II.A.3.b by benefit", {"dose_evidence": False}, REFER),
    (CENTENE, "II.A.*"): Fails("II.A.3.a by benefit", {"regimen": ["selinexor"]}, REFER),
}


@dataclass(frozen=True, slots=True)
class NeverAlone:
    """Why a criterion cannot fail alone: it is met whenever another one is.

    `ways` names approved cases, and of each the facts by which that other one is met.
    """

    reason: str
    other: str
    ways: dict[str, tuple[str, ...]]
    before: str = "9999"


HISTORY = ("prior_lines", "prior_drugs", "refractory_to", "days_to_progression")
NEVER_ALONE: dict[tuple[str, str], NeverAlone] = {
    (CENTENE, "I.A.1"): NeverAlone(
        "I.A applies to multiple myeloma only", "I.A.1", {"I.A.5.a with lenalidomide": ()}
    ),
    (CENTENE, "I.A.*"): NeverAlone(
        "before I.A.5.d, every alternative of I.A.5 lists its regimen",
        "I.A.5",
        {
            "I.A.5.a with lenalidomide": ("regimen",),
            "I.A.5.a with cyclophosphamide": ("regimen",),
            "I.A.5.b": ("regimen", *HISTORY),
            "I.A.5.c": ("regimen", "t_11_14"),
            "I.A.5 dexamethasone alone": ("regimen",),
        },
        before="2025-08-01",
    ),
    (CENTENE, "I.B.*"): NeverAlone(
        "every alternative of I.B.4 lists its regimen",
        "I.B.4",
        dict.fromkeys(("I.B.4.a", "I.B.4.b", "I.B.4.c", "I.B.4 single agent"), ("regimen",)),
    ),
    (CENTENE, "I.C.*"): NeverAlone("I.C.4 lists its regimen", "I.C.4", {"I.C": ("regimen",)}),
}


def leaves(kb: KnowledgeBase, policy: str, version: str) -> set[str]:
    """List the criteria without parts of every pathway, as a case of unknown facts shows them."""
    tree = kb.determine(Case(policy=policy, on=version)).criteria
    return {node.section for node in nodes(tree) if not node.parts}


def never_alone_in(policy: str, version: str) -> set[str]:
    return {
        section
        for (stated, section), row in NEVER_ALONE.items()
        if stated == policy and version < row.before
    }


FAILING_BY_VERSION = [
    (policy, version, section)
    for (policy, section), row in FAILS.items()
    for version in APPROVED[row.approved].versions()
    if version >= row.since
]
NEVER_ALONE_BY_VERSION = [
    (policy, version, section)
    for policy, version in EVERY_VERSION
    for section in sorted(never_alone_in(policy, version))
]


@pytest.mark.parametrize(("policy", "version"), EVERY_VERSION)
def test_every_criterion_has_a_case_that_fails_it_alone_or_a_reason_why_none_can(
    kb: KnowledgeBase, policy: str, version: str
) -> None:
    tested = {row[2] for row in FAILING_BY_VERSION if row[:2] == (policy, version)}
    excused = never_alone_in(policy, version)
    assert tested | excused == leaves(kb, policy, version)
    assert not tested & excused


@pytest.mark.parametrize(("policy", "version", "section"), FAILING_BY_VERSION)
def test_a_criterion_that_fails_alone_turns_the_outcome(
    kb: KnowledgeBase, policy: str, version: str, section: str
) -> None:
    row = FAILS[policy, section]
    before = decide_approved(kb, row.approved, row.given, on=version, readings=row.readings)
    assert before.outcome is Outcome.APPROVE
    after = decide_approved(
        kb, row.approved, row.given | row.change, on=version, readings=row.readings
    )
    assert after.outcome is row.outcome
    assert after.criteria.status is Status.NOT_MET


@pytest.mark.parametrize(("policy", "version", "section"), FAILING_BY_VERSION)
def test_a_criterion_that_fails_alone_takes_along_only_those_above_it(
    kb: KnowledgeBase, policy: str, version: str, section: str
) -> None:
    row = FAILS[policy, section]
    before = decide_approved(kb, row.approved, row.given, on=version, readings=row.readings)
    after = decide_approved(
        kb, row.approved, row.given | row.change, on=version, readings=row.readings
    )
    was, now = statuses(before), statuses(after)
    assert was.keys() == now.keys()
    assert {name for name in was if was[name] is not now[name]} == set(
        way_down(after.criteria, section)
    )
    assert now[section] is Status.NOT_MET


@pytest.mark.parametrize(("policy", "version", "section"), NEVER_ALONE_BY_VERSION)
def test_a_criterion_said_never_to_fail_alone_holds_whenever_its_reason_does(
    kb: KnowledgeBase, policy: str, version: str, section: str
) -> None:
    row = NEVER_ALONE[policy, section]
    in_force = [name for name in row.ways if version in APPROVED[name].versions()]
    assert in_force
    for name in in_force:
        known = BASE | APPROVED[name].facts
        facts = {fact: known[fact] for fact in ("request", "diagnosis", *row.ways[name])}
        found = statuses(kb.determine(Case(policy=policy, on=version, facts=facts)))
        assert found[row.other] is Status.MET
        assert found[section] is Status.MET


@pytest.mark.parametrize(("policy", "version"), EVERY_VERSION)
def test_no_random_case_fails_a_criterion_alone_that_is_said_never_to(
    kb: KnowledgeBase, policy: str, version: str
) -> None:
    rng = random.Random(f"never alone {policy} {version}")
    failed_alone = set[str]()
    for _ in range(150):
        facts = oracle.random_case(rng, policy, complete=True, free_budget=0)
        tree = kb.determine(Case(policy=policy, on=version, facts=facts)).criteria
        failed_alone |= {
            node.section
            for node in nodes(tree)
            if not node.parts
            and node.status is Status.NOT_MET
            and not holds(tree)
            and holds(tree, granted=node.section)
        }
    assert failed_alone
    assert not failed_alone & never_alone_in(policy, version)


@pytest.mark.parametrize("policy", VERSIONS)
def test_no_row_speaks_of_a_criterion_that_the_policy_lacks(kb: KnowledgeBase, policy: str) -> None:
    stated = {section for version in VERSIONS[policy] for section in leaves(kb, policy, version)}
    rows = {section for number, section in (*FAILS, *NEVER_ALONE) if number == policy}
    assert rows <= stated


@pytest.mark.parametrize("consulted", [True, False])
@pytest.mark.parametrize("prescriber", ["oncologist", "hematologist", "other"])
@pytest.mark.parametrize("name", ["I.A.5.a with lenalidomide", "I.B.4.a", "I.C"])
def test_a_specialist_prescribes_or_is_consulted(
    kb: KnowledgeBase, *, name: str, prescriber: str, consulted: bool
) -> None:
    changes = {"prescriber": prescriber, "specialist_consulted": consulted}
    enough = prescriber != "other" or consulted
    expected = Outcome.APPROVE if enough else Outcome.DENY
    assert decide_approved(kb, name, changes).outcome is expected


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"substitution_reason": "intolerance"}, Outcome.APPROVE),
        ({"substitution_reason": "none"}, Outcome.REFER),
        ({"disease_state": "refractory"}, Outcome.REFER),
        ({"same_regimen_as_induction": False}, Outcome.REFER),
        ({"regimen": ["selinexor"]}, Outcome.APPROVE),
    ],
)
def test_the_relapse_arm_of_the_substitute_asks_for_each_of_its_conditions(
    kb: KnowledgeBase, changes: Facts, outcome: Outcome
) -> None:
    assert decide_approved(kb, "I.A.5.d at relapse", changes).outcome is outcome


@pytest.mark.parametrize(
    ("refractory_to", "outcome"),
    [
        (["lenalidomide"], Outcome.APPROVE),
        (["daratumumab"], Outcome.APPROVE),
        (["isatuximab"], Outcome.APPROVE),
        (["bortezomib", "pomalidomide"], Outcome.REFER),
    ],
)
def test_pomalidomide_asks_for_disease_refractory_to_lenalidomide_or_an_anti_cd38_antibody(
    kb: KnowledgeBase, refractory_to: list[str], outcome: Outcome
) -> None:
    prior = ["bortezomib", "lenalidomide", "pomalidomide", "daratumumab", "isatuximab"]
    changes = {"prior_drugs": prior, "refractory_to": refractory_to}
    assert decide_approved(kb, "I.A.5.b", changes).outcome is outcome


@pytest.mark.parametrize("name", [name for name in APPROVED if "single agent" not in name])
def test_listing_the_drug_itself_in_the_regimen_changes_nothing(
    kb: KnowledgeBase, name: str
) -> None:
    partners = set((BASE | APPROVED[name].facts)["regimen"]) - {"ixazomib"}
    listed = decide_approved(kb, name, {"regimen": sorted({"ixazomib", *partners})})
    left_out = decide_approved(kb, name, {"regimen": sorted(partners)})
    assert listed.to_json() == left_out.to_json()


# --- Numbers: both sides --------------------------------------------------------------------

AT_MOST_DOSE: list[tuple[str, object, object]] = [
    ("weekly_dose_mg", 4, 4.1),
    ("dosing_weeks", 3, 4),
    ("cycle_days", 28, 27),
]
# An approved case, the fact, the last value that is approved, the next one, and what comes of it.
BOUNDARIES: list[tuple[str, str, object, object, Outcome]] = [
    ("FEP prior approval", "age", 18, 17, DENY),
    ("FEP prior approval", "prior_lines", 1, 0, DENY),
    ("FEP renewal", "age", 18, 17, DENY),
    ("I.A.5.a with lenalidomide", "age", 18, 17, REFER),
    ("I.A.5.a with lenalidomide", "prior_lines", 1, 0, DENY),
    ("I.A.5.b", "prior_lines", 2, 1, REFER),
    ("I.A.5.b", "days_to_progression", 60, 61, REFER),
    ("I.A.5.d at relapse", "months_since_induction", 6, 5.9, REFER),
    ("I.B.4.a", "age", 18, 17, REFER),
    ("I.C", "age", 18, 17, REFER),
    ("II.A by documentation", "days_on_drug", 30, 29, DENY),
    *(
        (name, fact, inside, outside, REFER)
        for name in ("I.A.5.a with lenalidomide", "I.B.4.a", "I.C", "II.A.3.a by benefit")
        for fact, inside, outside in AT_MOST_DOSE
    ),
]


def beside_prior_lines(name: str, fact: str) -> Facts:
    """Leave the prior drugs open where no line may be completed."""
    no_drugs_known = fact == "prior_lines" and name != "I.A.5.b"
    return {"prior_drugs": []} if no_drugs_known else {}


@pytest.mark.parametrize(("name", "fact", "inside", "outside", "outcome"), BOUNDARIES)
def test_a_number_turns_the_outcome_at_the_policys_own_boundary(
    kb: KnowledgeBase, name: str, fact: str, inside: object, outside: object, outcome: Outcome
) -> None:
    also = beside_prior_lines(name, fact)
    assert decide_approved(kb, name, {**also, fact: inside}).outcome is Outcome.APPROVE
    assert decide_approved(kb, name, {**also, fact: outside}).outcome is outcome


@pytest.mark.parametrize(("name", "fact", "inside", "outside", "outcome"), BOUNDARIES)
def test_a_bound_that_ends_at_the_boundary_settles_and_one_that_crosses_it_does_not(
    kb: KnowledgeBase, name: str, fact: str, inside: Any, outside: Any, outcome: Outcome
) -> None:
    also = beside_prior_lines(name, fact)
    above, below = ("at_least", "at_most") if inside > outside else ("at_most", "at_least")

    def given(bound: str, value: object) -> Outcome:
        return decide_approved(kb, name, {**also, fact: {bound: value}}).outcome

    assert given(above, inside) is Outcome.APPROVE
    assert given(below, outside) is outcome
    assert given(above, outside) is Outcome.PEND
    assert given(below, inside) is Outcome.PEND


@pytest.mark.parametrize(
    ("months", "reading", "outcome"),
    [
        (5.9, "at_least_six", Outcome.REFER),
        (6, "at_least_six", Outcome.APPROVE),
        (6.0, "at_least_six", Outcome.APPROVE),
        (6.1, "at_least_six", Outcome.APPROVE),
        (5.9, "more_than_six", Outcome.REFER),
        (6, "more_than_six", Outcome.REFER),
        (6.1, "more_than_six", Outcome.APPROVE),
    ],
)
def test_six_months_are_counted_to_a_tenth_under_either_reading(
    kb: KnowledgeBase, months: float, reading: str, outcome: Outcome
) -> None:
    determination = decide_approved(
        kb,
        "I.A.5.d at relapse",
        {"months_since_induction": months},
        readings={"after_six_months": reading},
    )
    assert determination.outcome is outcome


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        ({"at_least": 18, "at_most": 18}, Outcome.APPROVE),
        ({"at_least": 17, "at_most": 17}, Outcome.REFER),
        ({"at_least": 17, "at_most": 18}, Outcome.PEND),
        ({"at_least": 19}, Outcome.APPROVE),
        ({"at_most": 16}, Outcome.REFER),
        ({"at_least": 0}, Outcome.PEND),
        ({"at_most": 120}, Outcome.PEND),
        ({"at_least": None, "at_most": None}, Outcome.PEND),
    ],
)
def test_bounds_on_an_age_settle_only_what_lies_on_one_side(
    kb: KnowledgeBase, bounds: Facts, outcome: Outcome
) -> None:
    assert decide(kb, CENTENE, {"age": bounds}).outcome is outcome


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        ({"at_most": 3.9}, Outcome.APPROVE),
        ({"at_least": 3.9, "at_most": 4.0}, Outcome.APPROVE),
        ({"at_least": 4, "at_most": 4.1}, Outcome.PEND),
        ({"at_least": 4.1}, Outcome.REFER),
    ],
)
def test_bounds_on_a_dose_are_exact_to_a_tenth(
    kb: KnowledgeBase, bounds: Facts, outcome: Outcome
) -> None:
    assert decide(kb, CENTENE, {"weekly_dose_mg": bounds}).outcome is outcome


@pytest.mark.parametrize(
    ("policy", "facts", "outcome"),
    [
        (CENTENE, {"prescriber": {"one_of": ["oncologist", "hematologist"]}}, Outcome.APPROVE),
        (CENTENE, {"prescriber": {"one_of": ["oncologist", "other"]}}, Outcome.PEND),
        (CENTENE, {"prescriber": {"one_of": ["other"]}}, Outcome.DENY),
        (
            CENTENE,
            AMYLOIDOSIS | {"disease_state": {"one_of": ["relapsed", "refractory"]}},
            Outcome.APPROVE,
        ),
        (
            CENTENE,
            AMYLOIDOSIS | {"disease_state": {"one_of": ["newly_diagnosed", "remission"]}},
            Outcome.REFER,
        ),
        (FEP, {"diagnosis": {"one_of": ["al_amyloidosis", "other"]}}, Outcome.DENY),
        (FEP, {"diagnosis": {"one_of": ["multiple_myeloma", "other"]}}, Outcome.PEND),
    ],
)
def test_a_choice_among_several_values_settles_what_all_of_them_settle(
    kb: KnowledgeBase, policy: str, facts: Facts, outcome: Outcome
) -> None:
    assert decide(kb, policy, facts).outcome is outcome


WITHOUT_LISTED = sorted(set(oracle.DRUGS) - {"dexamethasone", "lenalidomide", "ixazomib"})


@pytest.mark.parametrize(
    ("policy", "regimen", "outcome"),
    [
        (FEP, {"includes": ["dexamethasone"]}, Outcome.PEND),
        (FEP, {"includes": ["dexamethasone", "bortezomib"]}, Outcome.DENY),
        (
            FEP,
            {"includes": ["dexamethasone"], "excludes": ["bortezomib", "carfilzomib"]},
            Outcome.APPROVE,
        ),
        (FEP, {"excludes": ["dexamethasone"]}, Outcome.DENY),
        (CENTENE, {"includes": ["dexamethasone", "lenalidomide"]}, Outcome.PEND),
        (
            CENTENE,
            {"includes": ["dexamethasone", "lenalidomide"], "excludes": WITHOUT_LISTED},
            Outcome.APPROVE,
        ),
        (CENTENE, {"includes": ["dexamethasone"], "excludes": WITHOUT_LISTED}, Outcome.PEND),
        (CENTENE, {"excludes": ["dexamethasone"]}, Outcome.REFER),
        (CENTENE, {"includes": [], "excludes": []}, Outcome.PEND),
    ],
)
def test_a_set_known_in_part_settles_what_all_its_completions_settle(
    kb: KnowledgeBase, policy: str, regimen: Facts, outcome: Outcome
) -> None:
    assert decide(kb, policy, {"regimen": regimen}).outcome is outcome


# --- Durations and referrals ----------------------------------------------------------------

INITIAL = ("I.A.5.a with lenalidomide", "I.B.4.a", "I.C")


@pytest.mark.parametrize(
    ("name", "line", "months"),
    [
        *((name, line, 6) for name in INITIAL for line in ("medicaid", "him")),
        *(("II.A by benefit", line, 12) for line in ("medicaid", "him")),
        *(
            (name, line, 12)
            for name in ("FEP prior approval", "FEP renewal")
            for line in ("fep", "medicaid")
        ),
    ],
)
def test_a_fixed_duration_goes_by_line_of_business_and_not_by_what_is_requested(
    kb: KnowledgeBase, name: str, line: str, months: int
) -> None:
    for requested in (1, 120):
        changes = {"line_of_business": line, "requested_months": requested}
        assert decide_approved(kb, name, changes).authorization.months == (months,)


@pytest.mark.parametrize(
    ("requested", "granted"), [(1, 1), (6, 6), (11, 11), (12, 12), (13, 12), (120, 12)]
)
@pytest.mark.parametrize("name", [*INITIAL, "II.A by benefit"])
def test_commercial_members_are_granted_what_is_requested_up_to_twelve_months(
    kb: KnowledgeBase, name: str, requested: int, granted: int
) -> None:
    changes = {"line_of_business": "commercial", "requested_months": requested}
    assert decide_approved(kb, name, changes).authorization.months == (granted,)


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        ({"at_least": 12}, (12,)),
        ({"at_least": 11}, (11, 12)),
        ({"at_least": 13, "at_most": 20}, (12,)),
        ({"at_least": 3, "at_most": 5}, (3, 4, 5)),
        ({"at_most": 2}, (1, 2)),
        (None, tuple(range(1, 13))),
    ],
)
def test_an_open_duration_lists_the_months_it_can_be(
    kb: KnowledgeBase, requested: object, granted: tuple[int, ...]
) -> None:
    facts = {"line_of_business": "commercial", "requested_months": requested}
    determination = decide(kb, CENTENE, facts)
    assert determination.outcome is Outcome.APPROVE
    assert determination.authorization.months == granted


# By line of business: no label change; a label change, on the formulary; and off it.
REFERRALS = {
    "commercial": ("CP.CPA.09", "CP.CPA.190", "CP.CPA.190"),
    "him": ("HIM.PA.154", "HIM.PA.33", "HIM.PA.103"),
    "medicaid": ("CP.PMN.53", "CP.PMN.255", "CP.PMN.16"),
}
UNLISTED_USES: dict[str, Facts] = {
    "initial": {"diagnosis": "other"},
    "continuation": RENEWAL | {"diagnosis": "other"},
}


@pytest.mark.parametrize("line", REFERRALS)
@pytest.mark.parametrize("request_type", UNLISTED_USES)
def test_an_unlisted_use_is_referred_to_the_off_label_policy_of_its_line(
    kb: KnowledgeBase, request_type: str, line: str
) -> None:
    for on_formulary in (True, False, None):
        facts = {
            **UNLISTED_USES[request_type],
            "line_of_business": line,
            "on_formulary": on_formulary,
        }
        determination = decide(kb, CENTENE, facts)
        assert determination.outcome is Outcome.REFER
        assert determination.refer_to == (REFERRALS[line][0],)
        assert determination.deciding_sections == (
            "I.D.2" if request_type == "initial" else "II.B.2",
        )


@pytest.mark.parametrize("on_formulary", [True, False])
@pytest.mark.parametrize("line", REFERRALS)
@pytest.mark.parametrize("request_type", UNLISTED_USES)
def test_after_a_label_change_an_unlisted_use_is_referred_by_line_and_formulary(
    kb: KnowledgeBase, *, request_type: str, line: str, on_formulary: bool
) -> None:
    facts = {
        **UNLISTED_USES[request_type],
        "line_of_business": line,
        "label_changed_recently": True,
        "on_formulary": on_formulary,
    }
    determination = decide(kb, CENTENE, facts)
    assert determination.outcome is Outcome.REFER
    assert determination.refer_to == (REFERRALS[line][1 if on_formulary else 2],)
    section = "I.D.1" if request_type == "initial" else "II.B.1"
    assert determination.deciding_sections == (f"{section}.{'a' if on_formulary else 'b'}",)


@pytest.mark.parametrize("label_changed", [True, False])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("I.A.5.a with lenalidomide", {"age": 17}),
        ("I.A.5.a with lenalidomide", {"regimen": ["selinexor"]}),
        ("I.A.5.a with lenalidomide", {"weekly_dose_mg": 8}),
        ("I.B.4.a", {"disease_state": "remission"}),
        ("I.C", {"regimen": ["rituximab"]}),
        ("II.A.3.a by benefit", {"weekly_dose_mg": 8}),
        ("II.A.3.a by benefit", {"regimen": ["selinexor"]}),
    ],
)
def test_another_use_of_a_listed_diagnosis_is_referred_like_an_unlisted_one(
    kb: KnowledgeBase, *, name: str, changes: Facts, label_changed: bool
) -> None:
    determination = decide_approved(kb, name, {**changes, "label_changed_recently": label_changed})
    assert determination.outcome is Outcome.REFER
    assert determination.refer_to == (REFERRALS["medicaid"][1 if label_changed else 0],)


def test_another_use_with_an_unmet_item_of_another_kind_is_still_a_referral(
    kb: KnowledgeBase,
) -> None:
    assert decide(kb, CENTENE, {"age": 17, "prescriber": "other"}).outcome is Outcome.REFER


# --- Dates ----------------------------------------------------------------------------------


def day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


@pytest.mark.parametrize("policy", VERSIONS)
def test_a_policy_has_exactly_its_dated_versions(kb: KnowledgeBase, policy: str) -> None:
    assert tuple(version.start for version in kb.policies[policy].versions) == VERSIONS[policy]


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(VERSIONS[CENTENE])))
def test_a_version_ends_the_day_before_the_next_begins(
    kb: KnowledgeBase, earlier: str, later: str
) -> None:
    assert decide(kb, CENTENE, {}, on=day_before(later)).version == earlier
    assert decide(kb, CENTENE, {}, on=later).version == later


@pytest.mark.parametrize("policy", VERSIONS)
def test_a_date_before_the_first_version_is_an_error_that_lists_the_versions(
    kb: KnowledgeBase, policy: str
) -> None:
    first = VERSIONS[policy][0]
    assert decide(kb, policy, {}, on=first).version == first
    with pytest.raises(UncoveredDateError) as caught:
        decide(kb, policy, {}, on=day_before(first))
    assert len(caught.value.versions) == len(VERSIONS[policy])
    for start, window in zip(VERSIONS[policy], caught.value.versions, strict=True):
        assert window.startswith(start)
        assert window in str(caught.value)


@pytest.mark.parametrize("policy", VERSIONS)
def test_the_last_version_stays_in_force(kb: KnowledgeBase, policy: str) -> None:
    assert decide(kb, policy, {}, on="2099-12-31").version == LATEST[policy]


APPROVE = Outcome.APPROVE
REMOVED, ADDED, SUBSTITUTED = "2023-08-01", "2024-08-01", "2025-08-01"
# What changed on a day: facts, readings, and the outcome the day before and on the day.
DATED: list[tuple[str, str, Facts, Readings, Outcome, Outcome]] = [
    ("I.A.5.c", ADDED, WITH_VENETOCLAX, {}, REFER, APPROVE),
    ("I.A.5.d at relapse", SUBSTITUTED, LATE_RELAPSE, {}, REFER, APPROVE),
    ("I.A.5.d as primary treatment", SUBSTITUTED, FIRST_LINE, {}, REFER, DENY),
    ("I.A.5.d waives I.A.4", SUBSTITUTED, FIRST_LINE, WAIVED, REFER, APPROVE),
    (
        "I.A.5.d waives I.A.4 only since it exists",
        SUBSTITUTED,
        FIRST_LINE | {"regimen": ["lenalidomide", "dexamethasone"]},
        WAIVED,
        DENY,
        APPROVE,
    ),
    (
        "I.A.5.b refractory",
        SUBSTITUTED,
        AFTER_TWO_LINES | {"refractory_to": []},
        {},
        APPROVE,
        REFER,
    ),
    ("I.A.5 dexamethasone alone", REMOVED, {"regimen": ["dexamethasone"]}, {}, APPROVE, REFER),
    ("I.B.4 single agent", REMOVED, AMYLOIDOSIS | {"regimen": ["ixazomib"]}, {}, APPROVE, REFER),
    ("I.B.4.c", ADDED, AMYLOIDOSIS | WITH_CYCLOPHOSPHAMIDE, {}, REFER, APPROVE),
    ("II.A.* venetoclax", ADDED, INCREASE | WITH_VENETOCLAX, {}, REFER, APPROVE),
    (
        "II.A.* dexamethasone alone",
        REMOVED,
        INCREASE | {"regimen": ["dexamethasone"]},
        {},
        APPROVE,
        REFER,
    ),
    (
        "II.A.* amyloidosis with cyclophosphamide",
        ADDED,
        INCREASE | AMYLOIDOSIS | WITH_CYCLOPHOSPHAMIDE,
        {},
        REFER,
        APPROVE,
    ),
    (
        "II.A.* amyloidosis, single agent",
        REMOVED,
        INCREASE | AMYLOIDOSIS | {"regimen": []},
        {},
        APPROVE,
        REFER,
    ),
]


@pytest.mark.parametrize(
    ("day", "facts", "readings", "before", "after"),
    [row[1:] for row in DATED],
    ids=[row[0] for row in DATED],
)
def test_a_dated_part_turns_the_outcome_on_its_day(
    kb: KnowledgeBase,
    *,
    day: str,
    facts: Facts,
    readings: Readings,
    before: Outcome,
    after: Outcome,
) -> None:
    assert decide(kb, CENTENE, facts, on=day_before(day), readings=readings).outcome is before
    assert decide(kb, CENTENE, facts, on=day, readings=readings).outcome is after


def test_the_substitute_is_no_listed_regimen_of_a_renewal(kb: KnowledgeBase) -> None:
    facts = INCREASE | LATE_RELAPSE | {"regimen_recommended": False}
    assert decide(kb, CENTENE, facts).outcome is Outcome.REFER


# --- Readings -------------------------------------------------------------------------------

# A case that turns on each reading: what differs from the base case, the outcome under the
# default, and under the other choice.
READING_CASES: dict[tuple[str, str], tuple[Facts, Outcome, Outcome]] = {
    (CENTENE, "primary_treatment_prior_therapy"): (FIRST_LINE, DENY, APPROVE),
    (CENTENE, "substitute_conditions"): (
        FIRST_LINE | {"transplant_candidate": True},
        REFER,
        DENY,
    ),
    (CENTENE, "after_six_months"): (LATE_RELAPSE, APPROVE, REFER),
    (CENTENE, "in_combination_with"): (
        {"regimen": ["lenalidomide", "dexamethasone", "daratumumab"]},
        REFER,
        APPROVE,
    ),
    (CENTENE, "class_examples"): (
        AFTER_TWO_LINES | {"prior_drugs": ["ixazomib", "lenalidomide"]},
        APPROVE,
        REFER,
    ),
    (CENTENE, "appendix_b"): ({"prior_drugs": ["bortezomib"]}, APPROVE, DENY),
    (CENTENE, "regimen_footnote"): (LATE_RELAPSE | {"regimen_recommended": False}, REFER, APPROVE),
    (CENTENE, "dose_evidence"): (ABOVE_LIMIT, APPROVE, REFER),
    (CENTENE, "lymphoma_without_igm"): (
        WALDENSTROM | {"diagnosis": "lymphoplasmacytic_lymphoma"},
        APPROVE,
        REFER,
    ),
    (CENTENE, "other_use"): ({"age": 17}, REFER, DENY),
    (CENTENE, "thirty_days"): (RENEWAL | {"days_on_drug": 29}, APPROVE, DENY),
    (CENTENE, "stable_disease"): (
        RENEWAL | {"responding": False, "response": "stable"},
        DENY,
        APPROVE,
    ),
    (CENTENE, "renewal_footnote"): (RENEWAL | {"regimen": ["selinexor"]}, APPROVE, REFER),
    (CENTENE, "unlisted_uses"): ({"diagnosis": "other"}, REFER, DENY),
    (CENTENE, "continued_indication"): (
        RENEWAL | AMYLOIDOSIS | {"disease_state": "remission"},
        APPROVE,
        REFER,
    ),
    (FEP, "in_combination_with"): ({}, APPROVE, DENY),
    (FEP, "progression_or_toxicity"): (RENEWAL | {"progression": True}, DENY, APPROVE),
}


@pytest.mark.parametrize("policy", VERSIONS)
def test_every_reading_has_a_case_that_turns_on_it(kb: KnowledgeBase, policy: str) -> None:
    tested = {name for number, name in READING_CASES if number == policy}
    assert tested == set(kb.policies[policy].readings)


@pytest.mark.parametrize(("policy", "name"), READING_CASES)
def test_a_reading_turns_the_outcome_of_its_case(kb: KnowledgeBase, policy: str, name: str) -> None:
    facts, by_default, otherwise = READING_CASES[policy, name]
    default, other = oracle.READINGS[policy][name]
    assert decide(kb, policy, facts).outcome is by_default
    assert decide(kb, policy, facts, readings={name: default}).outcome is by_default
    assert decide(kb, policy, facts, readings={name: other}).outcome is otherwise


@pytest.mark.parametrize(("policy", "name"), READING_CASES)
def test_a_determination_lists_the_reading_it_turns_on_with_the_other_outcome(
    kb: KnowledgeBase, policy: str, name: str
) -> None:
    facts, by_default, otherwise = READING_CASES[policy, name]
    default, other = oracle.READINGS[policy][name]
    listed = {reading.name: reading for reading in decide(kb, policy, facts).readings}
    assert (listed[name].choice, listed[name].other) == (default, other)
    assert listed[name].outcome is otherwise
    back = decide(kb, policy, facts, readings={name: other}).readings
    assert [reading.outcome for reading in back if reading.name == name] == [by_default]


@pytest.mark.parametrize(("policy", "name"), READING_CASES)
def test_the_readings_listed_are_all_that_alone_would_turn_the_outcome(
    kb: KnowledgeBase, policy: str, name: str
) -> None:
    facts = READING_CASES[policy, name][0]
    determination = decide(kb, policy, facts)
    turning = {
        other
        for other, choices in oracle.READINGS[policy].items()
        if decide(kb, policy, facts, readings={other: choices[1]}).outcome
        is not determination.outcome
    }
    assert {reading.name for reading in determination.readings} == turning


@pytest.mark.parametrize("policy", VERSIONS)
def test_every_section_of_a_reading_is_one_of_the_policy(kb: KnowledgeBase, policy: str) -> None:
    open_case = kb.determine(Case(policy=policy, on=LATEST[policy]))
    sections = {
        node.section for root in (open_case.criteria, *open_case.routing) for node in nodes(root)
    }
    provisions = kb.policies[policy].versions[-1].program.arguments("provision")
    sections |= {str(section) for _, section, _ in provisions}
    for reading in kb.policies[policy].readings.values():
        assert reading.sections
        assert set(reading.sections) <= sections


@pytest.mark.parametrize("listed", [["lenalidomide"], []])
def test_dexamethasone_alone_means_alone_under_either_reading(
    kb: KnowledgeBase, listed: list[str]
) -> None:
    facts = {"regimen": ["dexamethasone", "rituximab", *listed]}
    determination = decide(
        kb, CENTENE, facts, on="2022-08-01", readings={"in_combination_with": "at_least"}
    )
    assert determination.outcome is (Outcome.APPROVE if listed else Outcome.REFER)


@pytest.mark.parametrize("row", oracle._APPENDIX_B, ids=lambda row: "-".join(sorted(row)))
def test_the_exhaustive_reading_of_appendix_b_wants_a_whole_row(
    kb: KnowledgeBase, row: frozenset[str]
) -> None:
    readings = {"appendix_b": "exhaustive"}
    whole = decide(kb, CENTENE, {"prior_drugs": sorted({*row, "rituximab"})}, readings=readings)
    assert whole.outcome is Outcome.APPROVE
    for missing in row:
        rest = row - {missing}
        expected = APPROVE if any(other <= rest for other in oracle._APPENDIX_B) else DENY
        found = decide(kb, CENTENE, {"prior_drugs": sorted(rest)}, readings=readings)
        assert found.outcome is expected


# How far the other choice of a reading goes: a case beside its own, and the outcome.
READING_LIMITS: list[tuple[str, str, Facts, Outcome]] = [
    (FEP, "progression_or_toxicity", RENEWAL | {"unacceptable_toxicity": True}, APPROVE),
    (
        FEP,
        "progression_or_toxicity",
        RENEWAL | {"progression": True, "unacceptable_toxicity": True},
        DENY,
    ),
    (FEP, "in_combination_with", {"regimen": ["ixazomib", "dexamethasone"]}, APPROVE),
    (CENTENE, "unlisted_uses", {"age": 17}, REFER),
    (CENTENE, "unlisted_uses", INCREASE | {"weekly_dose_mg": 8}, REFER),
    (CENTENE, "unlisted_uses", {"diagnosis": "other", "label_changed_recently": True}, REFER),
    (CENTENE, "unlisted_uses", AMYLOIDOSIS | {"disease_state": "remission"}, DENY),
    (CENTENE, "other_use", {"diagnosis": "other"}, REFER),
    (CENTENE, "other_use", INCREASE | {"weekly_dose_mg": 8}, DENY),
    (CENTENE, "thirty_days", RENEWAL | {"days_on_drug": 30}, APPROVE),
    (CENTENE, "stable_disease", RENEWAL | {"responding": False, "response": "minimal"}, DENY),
    (
        CENTENE,
        "renewal_footnote",
        RENEWAL | {"regimen": ["selinexor"], "regimen_recommended": True},
        APPROVE,
    ),
    (CENTENE, "renewal_footnote", RENEWAL, APPROVE),
    (CENTENE, "class_examples", AFTER_TWO_LINES, APPROVE),
    (
        CENTENE,
        "lymphoma_without_igm",
        RENEWAL | WALDENSTROM | {"diagnosis": "lymphoplasmacytic_lymphoma"},
        REFER,
    ),
    (CENTENE, "lymphoma_without_igm", RENEWAL | WALDENSTROM, APPROVE),
    (CENTENE, "substitute_conditions", LATE_RELAPSE | {"transplant_candidate": True}, REFER),
    (CENTENE, "regimen_footnote", INCREASE | {"regimen": ["selinexor"]}, APPROVE),
    (CENTENE, "regimen_footnote", {"regimen": ["selinexor"]}, REFER),
    (CENTENE, "in_combination_with", {"regimen": ["lenalidomide", "rituximab"]}, REFER),
]


@pytest.mark.parametrize(("policy", "name", "facts", "outcome"), READING_LIMITS)
def test_the_other_choice_of_a_reading_reaches_as_far_as_its_words(
    kb: KnowledgeBase, *, policy: str, name: str, facts: Facts, outcome: Outcome
) -> None:
    other = oracle.READINGS[policy][name][1]
    assert decide(kb, policy, facts, readings={name: other}).outcome is outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, Outcome.REFER),
        (WITH_CYCLOPHOSPHAMIDE, Outcome.APPROVE),
        ({"regimen": ["lenalidomide", "dexamethasone", "selinexor"]}, Outcome.APPROVE),
        ({"diagnosis": "al_amyloidosis"}, Outcome.APPROVE),
        (INCREASE, Outcome.REFER),
        (INCREASE | WITH_CYCLOPHOSPHAMIDE, Outcome.APPROVE),
    ],
)
def test_evidence_for_off_label_regimens_only_leaves_out_just_the_labelled_one(
    kb: KnowledgeBase, facts: Facts, outcome: Outcome
) -> None:
    readings = {"dose_evidence": "off_label_only", "in_combination_with": "at_least"}
    assert decide(kb, CENTENE, ABOVE_LIMIT | facts, readings=readings).outcome is outcome


# --- Exactly one outcome --------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "version"), EVERY_VERSION)
def test_every_complete_case_gets_exactly_one_outcome(
    kb: KnowledgeBase, policy: str, version: str
) -> None:
    found = kb.counterexample(policy, on=version)
    assert found is None, f"{found.case} under {found.readings}: {found.outcomes}"


# --- Advisories -----------------------------------------------------------------------------

MAINTENANCE: Facts = {"treatment_setting": "maintenance"}
NEW: Facts = {"disease_state": "newly_diagnosed"}
DEXAMETHASONE: Facts = {"regimen": ["dexamethasone"]}
LENALIDOMIDE: Facts = {"regimen": ["lenalidomide"]}
OTHER: Facts = {"diagnosis": "other"}
FEP_LABEL = "Regulatory Status"
# By policy and section: facts under which it is said, those under which it may be said, and some
# under each of which it is not said.
ADVISORIES: list[tuple[str, str, Facts, Facts, list[Facts]]] = [
    (
        CENTENE,
        "Note",
        {"line_of_business": "medicaid"},
        {"line_of_business": {"one_of": ["medicaid", "him"]}},
        [{"line_of_business": "him"}, {"line_of_business": "commercial"}],
    ),
    *(
        (
            CENTENE,
            section,
            MAINTENANCE,
            {"treatment_setting": None},
            [{}, AMYLOIDOSIS | MAINTENANCE],
        )
        for section in ("Limitations of Use.Maintenance", "Appendix D")
    ),
    (
        CENTENE,
        "Limitations of Use.Newly Diagnosed",
        NEW,
        {"disease_state": None},
        [{}, NEW | DEXAMETHASONE, NEW | LENALIDOMIDE, NEW | {"diagnosis": "al_amyloidosis"}],
    ),
    (CENTENE, "Policy/Criteria", {"age": 17}, {"age": None}, [{}]),
    *(
        (
            CENTENE,
            "I.A.5 (note)",
            {"regimen": [drug]},
            {"regimen": {"excludes": sorted({*oracle.DRUGS} - {drug})}},
            [DEXAMETHASONE, {"regimen": [drug], **OTHER}, RENEWAL | {"regimen": [drug]}],
        )
        for drug in ("lenalidomide", "pomalidomide", "cyclophosphamide", "venetoclax")
    ),
    (
        CENTENE,
        "I.B.4 (note)",
        AMYLOIDOSIS | LENALIDOMIDE,
        LENALIDOMIDE | {"diagnosis": {"one_of": ["al_amyloidosis", "other"]}},
        [LENALIDOMIDE, AMYLOIDOSIS, RENEWAL | AMYLOIDOSIS | LENALIDOMIDE],
    ),
    (
        CENTENE,
        "I.C.4 (note)",
        WALDENSTROM,
        WALDENSTROM | {"regimen": None},
        [WALDENSTROM | DEXAMETHASONE, WALDENSTROM | OTHER, RENEWAL | WALDENSTROM],
    ),
    *(
        (FEP, section, {}, {"age": None}, [{"age": 17}])
        for section in ("Background", f"{FEP_LABEL}.Monitoring", f"{FEP_LABEL}.Pregnancy")
    ),
    (FEP, f"{FEP_LABEL}.Pediatric Use", {"age": 17}, {"age": None}, [{"age": 18}]),
    (
        FEP,
        f"{FEP_LABEL}.Limitations of Use.Maintenance",
        MAINTENANCE,
        {"treatment_setting": None},
        [{}, MAINTENANCE | OTHER],
    ),
    (
        FEP,
        f"{FEP_LABEL}.Limitations of Use.Newly Diagnosed",
        NEW,
        {"disease_state": None},
        [{}, NEW | DEXAMETHASONE, NEW | LENALIDOMIDE, NEW | OTHER],
    ),
    *(
        (
            FEP,
            f"{FEP_LABEL}.Off-Label Use.1",
            DEXAMETHASONE | {"disease_state": state},
            {"disease_state": state, "regimen": {"includes": ["dexamethasone"]}},
            [{}, DEXAMETHASONE | NEW, DEXAMETHASONE | OTHER, {"regimen": ["pomalidomide"]}],
        )
        for state in ("relapsed", "refractory")
    ),
]


@pytest.mark.parametrize(("policy", "section", "said", "open_", "silent"), ADVISORIES)
def test_an_advisory_is_given_where_it_applies_and_marked_where_that_is_open(
    kb: KnowledgeBase, *, policy: str, section: str, said: Facts, open_: Facts, silent: list[Facts]
) -> None:
    def certainty(facts: Facts) -> list[bool]:
        advisories = decide(kb, policy, facts).advisories
        return [advisory.certain for advisory in advisories if advisory.section == section]

    assert certainty(said) == [True]
    assert certainty(open_) == [False]
    for facts in silent:
        assert certainty(facts) == []


def test_an_advisory_decides_nothing(kb: KnowledgeBase) -> None:
    assert decide(kb, FEP, MAINTENANCE).outcome is Outcome.APPROVE
    assert decide(kb, CENTENE, MAINTENANCE).outcome is Outcome.APPROVE


# --- Contradictions and clinicians ----------------------------------------------------------

CONTRADICTIONS: dict[str, tuple[Facts, set[str]]] = {
    "primary treatment with a prior line": (
        {"treatment_setting": "primary", "prior_lines": 1, "prior_drugs": []},
        {"treatment_setting", "prior_lines"},
    ),
    "refractory to a drug never given": (
        {"refractory_to": ["selinexor"]},
        {"refractory_to", "prior_drugs"},
    ),
    "prior drugs without a prior line": ({"prior_lines": 0}, {"prior_lines", "prior_drugs"}),
    "progression with a complete response": (
        {"progression": True, "response": "complete"},
        {"progression", "response"},
    ),
    "progressive disease without progression": (
        {"response": "progressive"},
        {"progression", "response"},
    ),
    "a response with progressive disease": (
        {"responding": True, "response": "progressive", "progression": True},
        {"responding", "response"},
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
@pytest.mark.parametrize("policy", VERSIONS)
def test_a_contradiction_is_reported_with_the_facts_that_clash_and_not_decided(
    kb: KnowledgeBase, policy: str, name: str
) -> None:
    facts, clashing = CONTRADICTIONS[name]
    determination = decide(kb, policy, facts)
    assert determination.outcome is Outcome.PEND
    assert [problem.kind for problem in determination.problems] == ["contradiction"]
    assert set(determination.problems[0].facts) == clashing
    for fact in clashing:
        assert fact in determination.problems[0].message


@pytest.mark.parametrize(("one", "other"), [(3, 0), (4, 1), (3, 2), (2, 4), (1, 3)])
@pytest.mark.parametrize("policy", VERSIONS)
def test_two_contradictions_at_once_are_both_reported(
    kb: KnowledgeBase, policy: str, one: int, other: int
) -> None:
    rows = list(CONTRADICTIONS.values())
    determination = decide(kb, policy, rows[one][0] | rows[other][0])
    assert determination.outcome is Outcome.PEND
    reported = [set(problem.facts) for problem in determination.problems]
    assert len(reported) == 2
    assert rows[one][1] in reported
    assert rows[other][1] in reported


@pytest.mark.parametrize(("one", "other"), [(1, 2), (0, 1)])
@pytest.mark.parametrize("policy", VERSIONS)
def test_contradictions_that_share_a_fact_are_each_reported_with_the_facts_that_clash(
    kb: KnowledgeBase, policy: str, one: int, other: int
) -> None:
    rows = list(CONTRADICTIONS.values())
    determination = decide(kb, policy, rows[one][0] | rows[other][0])
    reported = [set(problem.facts) for problem in determination.problems]
    assert rows[one][1] in reported
    assert rows[other][1] in reported


def test_the_order_of_facts_does_not_decide_which_clash_is_reported(kb: KnowledgeBase) -> None:
    clashing: Facts = {
        "prior_lines": 0,
        "prior_drugs": ["bortezomib"],
        "refractory_to": ["lenalidomide"],
    }
    reported = {
        kb.determine(Case(policy=CENTENE, on=LATEST[CENTENE], facts=dict(order))).problems
        for order in permutations(clashing.items())
    }
    assert len(reported) == 1


def test_a_clash_through_an_unknown_fact_is_reported_with_the_known_ones(
    kb: KnowledgeBase,
) -> None:
    facts = {"prior_drugs": None, "prior_lines": 0, "refractory_to": ["bortezomib"]}
    determination = decide(kb, CENTENE, facts)
    assert determination.outcome is Outcome.PEND
    (problem,) = determination.problems
    assert set(problem.facts) == {"prior_lines", "refractory_to"}


def test_a_line_of_business_the_policy_is_not_written_for_is_not_decided(
    kb: KnowledgeBase,
) -> None:
    determination = decide(kb, CENTENE, {"line_of_business": "fep"})
    assert determination.outcome is Outcome.PEND
    assert [problem.facts for problem in determination.problems] == [("line_of_business",)]


def test_an_unknown_line_of_business_is_taken_to_be_one_the_policy_is_written_for(
    kb: KnowledgeBase,
) -> None:
    determination = decide(kb, CENTENE, {"diagnosis": "other", "line_of_business": None})
    assert determination.outcome is Outcome.REFER
    assert set(determination.refer_to) == {"CP.CPA.09", "HIM.PA.154", "CP.PMN.53"}


@pytest.mark.parametrize(
    "facts", [*(facts for facts, _ in CONTRADICTIONS.values()), {"line_of_business": "fep"}]
)
def test_a_contradiction_never_makes_an_adverse_outcome(kb: KnowledgeBase, facts: Facts) -> None:
    for unmet in ({}, {"prescriber": "other"}, {"age": 17}, {"diagnosis": "other"}):
        determination = decide(kb, CENTENE, {**unmet, **facts})
        assert determination.outcome is Outcome.PEND
        assert determination.possible == ()
        assert not determination.needs_clinician


def test_a_contradiction_leaves_every_criterion_and_part_of_the_answer_open(
    kb: KnowledgeBase,
) -> None:
    determination = decide(kb, CENTENE, {"prior_lines": 0})
    assert set(statuses(determination).values()) == {Status.UNKNOWN}
    assert determination.authorization.months == ()
    assert (determination.basis, determination.refer_to) == ((), ())


@pytest.mark.parametrize(
    ("policy", "facts", "possible", "needed"),
    [
        (CENTENE, {}, {"approve"}, False),
        (CENTENE, {"age": 17}, {"refer"}, False),
        (CENTENE, {"prescriber": "other"}, {"deny"}, True),
        (FEP, {"age": 17}, {"deny"}, True),
        (CENTENE, {"prescriber": "other", "age": None}, {"deny", "refer"}, True),
        (CENTENE, {"prescriber": None}, {"approve", "deny"}, False),
        (CENTENE, {"age": None}, {"approve", "refer"}, False),
        (CENTENE, {"age": None, "prescriber": None}, {"approve", "refer", "deny"}, False),
    ],
)
def test_a_clinician_reviews_what_can_be_denied_and_cannot_be_approved(
    kb: KnowledgeBase, *, policy: str, facts: Facts, possible: set[str], needed: bool
) -> None:
    determination = decide(kb, policy, facts)
    assert set(determination.possible) == possible
    assert determination.needs_clinician is needed


# --- Settled with unknown facts -------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "facts", "outcome"),
    [
        (CENTENE, {"t_11_14": None}, Outcome.APPROVE),
        (CENTENE, {"prescriber": "other", "specialist_consulted": True}, Outcome.APPROVE),
        (CENTENE, {"regimen_recommended": None, "dose_evidence": None}, Outcome.APPROVE),
        (CENTENE, RENEWAL | {"covered_indication": None, "days_on_drug": None}, Outcome.APPROVE),
        (CENTENE, {"age": 17, "prior_lines": None, "prior_drugs": None}, Outcome.REFER),
        (CENTENE, {"prescriber": "other", "t_11_14": None, "response": None}, Outcome.DENY),
        (FEP, {"diagnosis": "other", "age": None, "regimen": None}, Outcome.DENY),
        (FEP, {"age": 17, "request": None}, Outcome.DENY),
    ],
)
def test_an_outcome_that_every_completion_shares_stands_with_facts_unknown(
    kb: KnowledgeBase, policy: str, facts: Facts, outcome: Outcome
) -> None:
    determination = decide(kb, policy, facts)
    assert determination.outcome is outcome
    assert determination.unknown_that_matter == ()


def test_approval_can_rest_on_either_of_two_pathways_neither_of_which_is_known_to_be_met(
    kb: KnowledgeBase,
) -> None:
    diagnosis = {"one_of": ["multiple_myeloma", "al_amyloidosis"]}
    determination = decide(kb, CENTENE, {"diagnosis": diagnosis})
    assert determination.outcome is Outcome.APPROVE
    assert determination.pathways == ("I.A", "I.B")
    assert determination.criteria.status is Status.MET
    assert [part.status for part in determination.criteria.parts] == [Status.UNKNOWN] * 2


def test_a_referral_can_rest_on_either_of_two_criteria_neither_of_which_is_known_to_be_met(
    kb: KnowledgeBase,
) -> None:
    determination = decide(kb, CENTENE, {"diagnosis": "other", "label_changed_recently": None})
    assert determination.outcome is Outcome.REFER
    (routing,) = [node for node in determination.routing if node.section == "I.D"]
    assert routing.status is Status.MET
    assert [part.status for part in routing.parts] == [Status.UNKNOWN] * 2


def test_a_denial_with_two_possible_bases_lists_both(kb: KnowledgeBase) -> None:
    facts = {"age": 17, "diagnosis": {"one_of": ["multiple_myeloma", "other"]}}
    determination = decide(kb, FEP, facts)
    assert determination.outcome is Outcome.DENY
    assert set(determination.basis) == {"not_medically_necessary", "investigational"}
    assert determination.unknown_that_matter == ("diagnosis",)


def test_a_duration_open_by_line_of_business_lists_its_months_and_what_they_hang_on(
    kb: KnowledgeBase,
) -> None:
    facts = {"line_of_business": {"one_of": ["medicaid", "commercial"]}, "requested_months": 3}
    determination = decide(kb, CENTENE, facts)
    assert determination.outcome is Outcome.APPROVE
    assert determination.authorization.months == (3, 6)
    assert determination.unknown_that_matter == ("line_of_business",)


def test_an_open_referral_lists_its_targets_and_what_they_hang_on(kb: KnowledgeBase) -> None:
    facts = {"diagnosis": "other", "label_changed_recently": None, "on_formulary": None}
    determination = decide(kb, CENTENE, facts)
    assert determination.outcome is Outcome.REFER
    assert set(determination.refer_to) == {"CP.PMN.53", "CP.PMN.255", "CP.PMN.16"}
    assert determination.unknown_that_matter == ("label_changed_recently", "on_formulary")


def test_an_open_quantity_says_that_there_may_be_no_limit(kb: KnowledgeBase) -> None:
    facts = {"weekly_dose_mg": None, "dose_evidence": True}
    limits = decide(kb, CENTENE, facts).authorization.quantities
    assert [limit and (limit.amount, limit.unit, limit.days) for limit in limits] == [
        (3, "capsule", 28),
        None,
    ]


def test_an_open_pathway_lists_those_the_request_may_fall_under(kb: KnowledgeBase) -> None:
    determination = decide(kb, CENTENE, {"request": None, "diagnosis": None})
    assert determination.pathways == ("I.A", "I.B", "I.C", "II.A")


def test_an_unknown_fact_never_denies(kb: KnowledgeBase) -> None:
    for policy in VERSIONS:
        assert kb.determine(Case(policy=policy, on=LATEST[policy])).outcome is Outcome.PEND


# --- Against brute force: small partial cases -----------------------------------------------


@dataclass(frozen=True, slots=True)
class SmallCase:
    """A partial case few enough of whose completions exist to look at each of them."""

    policy: str
    version: str
    readings: dict[str, str]
    known: Facts

    def determine(self, kb: KnowledgeBase, facts: Facts | None = None) -> Determination:
        case = Case(policy=self.policy, on=self.version, facts=facts or self.known)
        return kb.determine(case, readings=self.readings)

    def completions(self) -> list[Facts]:
        """List the contradiction-free completions; numbers stand for those they count alike with."""
        ways = [values_of(name, self.known.get(name)) for name in oracle.FACTS]
        every = [dict(zip(oracle.FACTS, values, strict=True)) for values in product(*ways)]
        return [
            facts
            for facts in every
            if not oracle.contradictions(self.policy, oracle.complete_facts(facts))
        ]

    def outcome(self, completion: Facts) -> str:
        facts = oracle.complete_facts(completion)
        return oracle.decide(self.policy, self.version, facts, self.readings).outcome


def values_of(name: str, known: object) -> list[object]:
    if name not in oracle.SETS:
        return list(oracle._values(name, known))
    inside, open_ = oracle._members(known)
    return [sorted(inside | chosen) for chosen in oracle._subsets(open_)]


def loosened(rng: random.Random, name: str, value: object) -> object:
    """Forget a fact; of a set, whether one or two drugs are in it."""
    if name not in oracle.SETS:
        return None
    inside = set(oracle._members(value)[0])
    open_ = set(rng.sample(oracle.DRUGS, 1)) | set(rng.sample(sorted(inside), min(1, len(inside))))
    return {
        "includes": sorted(inside - open_),
        "excludes": sorted(set(oracle.DRUGS) - inside - open_),
    }


# Facts that clash, or decide, are forgotten together more often than chance would have it.
TIED = (
    ("treatment_setting", "prior_lines", "prior_drugs"),
    ("prior_drugs", "refractory_to"),
    ("progression", "response", "unacceptable_toxicity"),
    ("dose_increase", "weekly_dose_mg", "dose_evidence", "regimen_recommended"),
    ("diagnosis", "request"),
    ("currently_receiving", "paid_by_plan", "covered_indication", "days_on_drug"),
    ("age", "prescriber", "specialist_consulted"),
    ("disease_state", "substitution_reason", "transplant_candidate"),
)


def small_cases(seed: str, limit: int) -> Iterator[SmallCase]:
    """Draw partial cases with two to `limit` completions that are free of contradictions."""
    rng = random.Random(seed)
    while True:
        policy = rng.choice((FEP, CENTENE, CENTENE))
        known = oracle.random_case(rng, policy, complete=True, free_budget=0)
        if oracle.contradictions(policy, oracle.complete_facts(known)):
            continue
        forgotten = [*rng.choice(TIED), *rng.sample(sorted(oracle.FACTS), rng.randint(0, 3))]
        for name in dict.fromkeys(forgotten):
            looser = {**known, name: loosened(rng, name, known[name])}
            if counted(looser) <= limit:
                known = looser
        if counted(known) > 1:
            version = rng.choice(VERSIONS[policy])
            yield SmallCase(policy, version, oracle.random_readings(rng, policy), known)


def counted(known: Facts) -> int:
    count = 1
    for name in oracle.FACTS:
        count *= len(values_of(name, known[name])) if not isinstance(known[name], str) else 1
    return count


Unit: TypeAlias = tuple[str, str | None]


def differing(one: Facts, other: Facts) -> frozenset[Unit]:
    """List the facts, or members of sets, in which two completions differ."""
    units = set[Unit]()
    for name in oracle.FACTS:
        if one[name] == other[name]:
            continue
        if name in oracle.SETS:
            units |= {(name, drug) for drug in set(one[name]) ^ set(other[name])}
        else:
            units.add((name, None))
    return frozenset(units)


def units_that_matter(case: SmallCase) -> set[Unit]:
    """Join the minimal sets of units in which completions with different outcomes differ."""
    decided = [(facts, case.outcome(facts)) for facts in case.completions()]
    sets = {
        differing(one, other)
        for place, (one, outcome) in enumerate(decided)
        for other, another in decided[place + 1 :]
        if outcome != another
    }
    return {unit for units in sets if not any(less < units for less in sets) for unit in units}


def test_the_unknown_facts_that_matter_are_those_brute_force_finds(kb: KnowledgeBase) -> None:
    checked, together = 0, 0
    for case in small_cases("matter", 96):
        determination = case.determine(kb)
        if determination.outcome is not Outcome.PEND:
            continue
        expected = units_that_matter(case)
        members = determination.unknown_members
        found = {
            (fact, member)
            for fact in determination.unknown_that_matter
            for member in members.get(fact, (None,))
        }
        assert found == expected, case
        checked += 1
        together += len(expected) > 1
        if checked == 120:
            break
    assert together > 20


def test_a_criterion_is_unknown_exactly_if_completions_differ_on_it(kb: KnowledgeBase) -> None:
    checked = 0
    for case in small_cases("criteria", 24):
        determination = case.determine(kb)
        if len(determination.pathways) != 1:
            continue
        completions = case.completions()
        seen: dict[str, set[Status]] = {}
        for facts in completions:
            completed = case.determine(kb, facts)
            assert completed.pathways == determination.pathways
            for section, status in statuses(completed).items():
                seen.setdefault(section, set()).add(status)
        for section, status in statuses(determination).items():
            expected = seen[section].pop() if len(seen[section]) == 1 else Status.UNKNOWN
            assert status is expected, (case, section)
        checked += 1
        if checked == 50:
            break


def test_a_criterion_known_in_a_partial_case_is_the_same_in_its_completions(
    kb: KnowledgeBase,
) -> None:
    rng = random.Random("completions")
    known_statuses = 0
    for _ in range(60):
        policy = rng.choice((FEP, CENTENE, CENTENE))
        known = oracle.random_case(rng, policy, complete=False, free_budget=5_000)
        readings = oracle.random_readings(rng, policy)
        case = SmallCase(policy, rng.choice(VERSIONS[policy]), readings, known)
        found = statuses(case.determine(kb))
        for facts in drawn_completions(rng, case, 5):
            completed = statuses(case.determine(kb, facts))
            for section in found.keys() & completed.keys():
                if found[section] is not Status.UNKNOWN:
                    assert completed[section] is found[section], (case, section)
                    known_statuses += 1
    assert known_statuses > 1000


def drawn_completions(rng: random.Random, case: SmallCase, wanted: int) -> Iterator[Facts]:
    """Draw completions, and keep those that are free of contradictions."""
    for _ in range(wanted * 6):
        facts = {name: drawn_value(rng, name, case.known.get(name)) for name in oracle.FACTS}
        if not oracle.contradictions(case.policy, oracle.complete_facts(facts)):
            yield facts
            wanted -= 1
        if not wanted:
            return


def drawn_value(rng: random.Random, name: str, known: object) -> object:
    if name not in oracle.SETS:
        return rng.choice(oracle._values(name, known))
    inside, open_ = oracle._members(known)
    return sorted(inside | {drug for drug in sorted(open_) if rng.random() < 0.3})
