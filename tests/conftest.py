"""What tests share: the packaged knowledge base, loaded once, its relations, and examples explained.

For the views of an analysis there are findings, a comparison and routes made by hand.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from related import Derived, share

from engine.analysis.difference import Comparison, Difference, Phase, Region, Route, Verdict
from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.determination import Outcome
from engine.explanation import Explanation
from engine.loading import Library
from engine.relations.cases import CaseRows
from engine.relations.database import Asked, Relations
from facts.values import NO, YES, Bounds, Known, Members, OneOf
from policygrounds import Case, KnowledgeBase
from queries.accepted import Acceptance
from queries.findings import Checked

EXAMPLES = Path(__file__).parents[1] / "examples"

POLICY, VERSION = "5.21.071", "2024-01-01"
OTHER, OTHER_VERSION = "CP.PHAR.302", "2025-08-01"
DRUGS = ("cisplatin", "doxorubicin", "etoposide", "selinexor")
ADULT = Bounds(18, 120)
MYELOMA = OneOf(frozenset(["multiple_myeloma"]))
FIRST = OneOf(frozenset(["initial"]))
INHIBITORS = frozenset(["bortezomib", "carfilzomib"])


@pytest.fixture(scope="session")
def kb() -> KnowledgeBase:
    return KnowledgeBase.load()


@pytest.fixture
def loaded_once(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give commands the packaged knowledge base that is loaded already; other folders they load."""
    load = KnowledgeBase.load
    monkeypatch.setattr(
        KnowledgeBase, "load", staticmethod(lambda *folders: load(*folders) if folders else kb)
    )


@pytest.fixture(scope="session")
def derived_before() -> Derived:
    """Hold what relations of the packaged knowledge base were derived, by day and readings."""
    return {}


@pytest.fixture
def derived_once(
    loaded_once: None,  # noqa: ARG001  (it is part of this)
    kb: KnowledgeBase,
    derived_before: Derived,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Derive relations once for each day and choice of readings, not anew whenever these change."""
    begin = Relations.__init__

    def begun(
        self: Relations, library: Library, asked: Asked, cases: CaseRows | None = None
    ) -> None:
        begin(self, library, asked, cases)
        if library is kb._library:
            share(self, derived_before)

    monkeypatch.setattr(Relations, "__init__", begun)


TODAY = "2026-02-01"


@pytest.fixture(scope="session")
def database(kb: KnowledgeBase, derived_before: Derived) -> Relations:
    return share(kb.relations(on=TODAY), derived_before)


@pytest.fixture(scope="session")
def example_kb() -> KnowledgeBase:
    return KnowledgeBase.load(EXAMPLES / "new_policy")


@pytest.fixture(scope="session")
def example(example_kb: KnowledgeBase) -> Relations:
    return example_kb.relations(on=TODAY)


@pytest.fixture(scope="session")
def contradicted(kb: KnowledgeBase) -> Explanation:
    """Explain a case that contradicts itself."""
    facts = {"treatment_setting": "primary", "prior_lines": 2}
    return kb.explain(Case(policy=OTHER, on="2025-09-15", facts=facts))


@pytest.fixture(scope="session")
def explained(kb: KnowledgeBase) -> Callable[..., Explanation]:
    """Explain an example by its id, with the options of `explain`, perhaps under another policy."""
    examples = [*json.loads((EXAMPLES / "vignettes.json").read_text())]
    examples.append(json.loads((EXAMPLES / "partial.json").read_text()))
    cases = {example["id"]: Case.from_json(example) for example in examples}
    known: dict[str, Explanation] = {}

    def explain(identifier: str, policy: str | None = None, **options: object) -> Explanation:
        key = repr((identifier, policy, sorted(options.items())))
        if key not in known:
            case = cases[identifier]
            case = case if policy is None else replace(case, policy=policy)
            known[key] = kb.explain(case, **options)  # type: ignore[arg-type]
        return known[key]

    return explain


def regimen(*drugs: str) -> Members:
    return Members(frozenset(drugs), INHIBITORS)


def approved(*drugs: str) -> dict[str, Known]:
    """Return a first request that FEP 5.21.071 approves, with some drugs besides."""
    return {
        "request": FIRST,
        "diagnosis": MYELOMA,
        "age": ADULT,
        "prior_lines": Bounds(1, 30),
        "regimen": regimen("dexamethasone", *drugs),
    }


CHILD: dict[str, Known] = {"age": Bounds(0, 17)}


def denial(facts: dict[str, Known] = CHILD, outcome: Outcome = Outcome.DENY) -> Witness:
    return Witness(facts=facts, outcome=outcome, policy=POLICY, version=VERSION)


@pytest.fixture(scope="session")
def findings() -> tuple[Finding, ...]:
    """Return a finding of each severity; the second has two witnesses, the third a reading."""
    return (
        Finding(
            policy=POLICY,
            version=VERSION,
            kind=FindingKind.SAME_CRITERION,
            severity=Severity.NOTE,
            subject="Prior-Approval.Age = Renewal.Age",
            sections=("Prior-Approval.Age", "Renewal.Age"),
            text="Prior-Approval.Age and Renewal.Age ask the same",
        ),
        Finding(
            policy=POLICY,
            version=VERSION,
            kind=FindingKind.NEVER_MET,
            severity=Severity.ERROR,
            subject="Renewal.a",
            sections=("Renewal.a",),
            text="No patient meets Renewal.a",
            witnesses=(denial(), denial(approved(), Outcome.APPROVE)),
            repair="Correct the rule",
        ),
        Finding(
            policy=POLICY,
            version=VERSION,
            kind=FindingKind.READING_DECIDES,
            severity=Severity.WARNING,
            subject="progression_or_toxicity=not_both",
            sections=("Renewal.a",),
            text="Read as 'not_both', 'progression_or_toxicity' moves some patients",
            witnesses=(
                Witness(
                    facts={
                        **approved(),
                        "request": OneOf(frozenset(["continuation"])),
                        "progression": NO,
                        "unacceptable_toxicity": YES,
                    },
                    outcome=Outcome.APPROVE,
                    readings={"progression_or_toxicity": "not_both"},
                    shows="the other reading",
                    policy=POLICY,
                    version=VERSION,
                ),
            ),
            readings={"progression_or_toxicity": "not_both"},
        ),
    )


@pytest.fixture(scope="session")
def accepted() -> dict[str, Acceptance]:
    """Accept the error among the findings."""
    identifier = "5.21.071:never-met:Renewal.a"
    return {identifier: Acceptance(identifier, "The text is to be corrected.", "2025-09-15")}


@pytest.fixture(scope="session")
def checked(
    kb: KnowledgeBase, findings: tuple[Finding, ...], accepted: dict[str, Acceptance]
) -> Checked:
    policy = kb.policies[POLICY]
    version, file = policy.version(VERSION), kb.file(POLICY)
    return Checked(policy, version, findings, accepted, file, ("Ninlaro label",))


def region(*drugs: str, **more: Known) -> Region:
    """Return first requests with one drug more, which only the FEP policy approves."""
    facts = {**approved(*drugs), "regimen_recommended": NO, **more}
    return Region(
        facts=facts,
        first_sections=("Prior-Approval.a",),
        second_sections=("I.A.*",),
        witnesses=(
            Witness(facts=facts, outcome=Outcome.APPROVE, policy=POLICY, version=VERSION),
            Witness(facts=facts, outcome=Outcome.REFER, policy=OTHER, version=OTHER_VERSION),
        ),
    )


def renewal(section: str, **more: Known) -> Region:
    """Return renewals that both approve, for which a part of the answer differs."""
    facts: dict[str, Known] = {
        **approved(),
        "request": OneOf(frozenset(["continuation"])),
        **dict.fromkeys(("covered_indication", "currently_receiving", "responding"), YES),
        **dict.fromkeys(("progression", "unacceptable_toxicity"), NO),
        "days_on_drug": Bounds(30, 30),
        **more,
    }
    return Region(
        facts=more,
        first_sections=("Renewal",),
        second_sections=(section,),
        witnesses=(
            Witness(facts=facts, outcome=Outcome.APPROVE, policy=POLICY, version=VERSION),
            Witness(facts=facts, outcome=Outcome.APPROVE, policy=OTHER, version=OTHER_VERSION),
        ),
    )


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    """Return a comparison with two outcomes that differ, and a part of the answer that does."""
    return Comparison(
        first=(POLICY, VERSION),
        second=(OTHER, OTHER_VERSION),
        verdict=Verdict.INCOMPARABLE,
        differences=(
            Difference(
                part="outcome",
                first="approve",
                second="refer",
                regions=(region("prednisone", t_11_14=YES), *(region(drug) for drug in DRUGS)),
            ),
            Difference(
                part="months",
                first="12",
                second="6",
                regions=(
                    renewal(
                        "II.A",
                        dose_increase=NO,
                        requested_months=Bounds(6, 6),
                        line_of_business=OneOf(frozenset(["commercial"])),
                    ),
                ),
                complete=False,
            ),
            Difference(
                part="quantity",
                first="none",
                second="3 capsule 28",
                regions=(
                    renewal(
                        "II.A",
                        dose_increase=YES,
                        regimen_recommended=YES,
                        cycle_days=Bounds(28, 28),
                        dosing_weeks=Bounds(3, 3),
                        weekly_dose_mg=Bounds(40, 40),
                    ),
                ),
            ),
        ),
        phases=(
            Phase(
                facts={
                    "request": FIRST,
                    "line_of_business": OneOf(frozenset(["medicaid"])),
                },
                verdict=Verdict.LOOSER,
            ),
        ),
        proof="Proved over every patient",
    )


@pytest.fixture(scope="session")
def found_routes() -> tuple[Route, ...]:
    """Return routes of two pathways, two of which differ in one drug."""

    def route(pathway: str, *drugs: str) -> Route:
        return Route(
            policy=POLICY,
            version=VERSION,
            outcome="approve",
            pathway=pathway,
            facts=approved(*drugs),
            sections=(f"{pathway}.Age",),
        )

    return (
        route("Renewal"),
        route("Prior-Approval", "cisplatin"),
        route("Prior-Approval", "daratumumab"),
        route("Prior-Approval"),
    )
