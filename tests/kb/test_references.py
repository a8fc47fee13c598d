"""What the references say: each statement seen both ways, and both sides of every number and date."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import pytest

from engine.loading import Library, load_packaged
from engine.program import GroundProgram
from engine.references import Reference, contradictions, statements
from facts.vocabulary import Kind, Vocabulary

Facts: TypeAlias = dict[str, Any]

LABEL = "Ninlaro label"
MYELOMA = "NCCN Multiple Myeloma"
AMYLOIDOSIS = "NCCN Systemic Light Chain Amyloidosis"
WALDENSTROM = "NCCN Waldenstrom Macroglobulinemia"
LIVERTOX = "LiverTox Ixazomib"
EFFICACY = "Ninlaro Efficacy"
ONCLIVE = "OncLive Relapsed Myeloma"
ALLIANCE = "Alliance A061202"
IMWG, EARLIER = "IMWG response criteria", "IMWG uniform response criteria"
PRINT_2009, PRINT_2023 = "IMWG criteria in PMC2627786", "IMWG criteria in PMC9954856"

CD38 = "Pomalidomide and dexamethasone.Anti-CD38 refractory"
LENALIDOMIDE = "Pomalidomide and dexamethasone.Lenalidomide refractory"
ANY_TWO_LINES = "Pomalidomide and dexamethasone.After two lines"
ONE_TO_THREE = "Pomalidomide and dexamethasone.One to three lines"

# A relapse after one line, on the labelled combination and dose.
BASE: Facts = {
    "request": "initial",
    "age": 67,
    "diagnosis": "multiple_myeloma",
    "disease_state": "relapsed",
    "treatment_setting": "subsequent",
    "regimen": ["ixazomib", "lenalidomide", "dexamethasone"],
    "prior_lines": 1,
    "prior_drugs": ["bortezomib", "cyclophosphamide", "dexamethasone"],
    "refractory_to": [],
    "days_to_progression": 400,
    "months_since_induction": 13,
    "same_regimen_as_induction": False,
    "transplant_candidate": False,
    "substitution_reason": "none",
    "t_11_14": False,
    "weekly_dose_mg": 4,
    "dosing_weeks": 3,
    "cycle_days": 28,
    "progression": False,
    "response": "stable",
    "responding": False,
    "unacceptable_toxicity": False,
}


@pytest.fixture(scope="module")
def library() -> Library:
    return load_packaged()


def true_inputs(program: GroundProgram, facts: Facts, vocabulary: Vocabulary) -> dict[int, bool]:
    """Tell of each input atom of a program whether it holds of a patient."""
    inputs: dict[int, bool] = {}
    for (name, *arguments), number in program.atoms.items():
        if name not in ("yes", "is", "includes", "reaches"):
            continue
        fact = vocabulary.facts[str(arguments[0])]
        value = facts[fact.name]
        if fact.kind is Kind.BOOLEAN:
            inputs[number] = value
        elif fact.kind is Kind.CHOICE:
            inputs[number] = value == arguments[1]
        elif fact.kind is Kind.SET:
            inputs[number] = arguments[1] in value
        else:
            steps = fact.steps(Decimal(str(value)))
            assert steps is not None
            inputs[number] = steps >= int(arguments[1])
    return inputs


def derived(program: GroundProgram, inputs: Mapping[int, bool]) -> dict[str, set[str]]:
    """Work out which sections support, prefer and limit: a literal holds if a rule derives it."""
    known = dict(inputs)
    bodies: dict[int, list[tuple[tuple[int, ...], int]]] = {}
    for rule in program.rules:
        if not rule.choice:
            for head in rule.head:
                needed = len(rule.body) if rule.bound is None else rule.bound
                bodies.setdefault(head, []).append((rule.body, needed))

    def holds(literal: int) -> bool:
        number = abs(literal)
        if number not in known:
            known[number] = any(
                sum(map(holds, body)) >= needed for body, needed in bodies.get(number, ())
            )
        return known[number] is (literal > 0)

    assert not [atom for atom in program.possible("impossible") if holds(program.atoms[atom])]
    return {
        statement: {
            str(atom[2])
            for atom in program.possible(statement)
            if atom in program.facts or holds(program.atoms[atom])
        }
        for statement in ("supports", "prefers", "limits")
    }


def says(library: Library, name: str, facts: Facts, on: str = "2026-02-01") -> dict[str, set[str]]:
    """Return the sections of a reference that support, prefer and limit a use on a day."""
    version = library.references[name].version(on)
    assert version is not None
    inputs = true_inputs(version.program, BASE | facts, library.vocabulary)
    return derived(version.program, inputs)


WITH: dict[str, Facts] = {
    name: {"regimen": ["ixazomib", *partners]}
    for name, partners in {
        "nothing": [],
        "dexamethasone": ["dexamethasone"],
        "cyclophosphamide": ["cyclophosphamide", "dexamethasone"],
        "pomalidomide": ["pomalidomide", "dexamethasone"],
        "venetoclax": ["venetoclax", "dexamethasone"],
        "rituximab": ["rituximab", "dexamethasone"],
        "four drugs": ["daratumumab", "lenalidomide", "dexamethasone"],
        "lenalidomide alone": ["lenalidomide"],
    }.items()
}
LABELLED: Facts = {"regimen": ["lenalidomide", "dexamethasone"]}
NO_LINES: Facts = {"prior_lines": 0, "prior_drugs": []}
NEW: Facts = NO_LINES | {"disease_state": "newly_diagnosed", "treatment_setting": "primary"}
AL: Facts = {"diagnosis": "al_amyloidosis"}
WM: Facts = {"diagnosis": "waldenstrom_macroglobulinemia"}

# --- The label --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "indicated"),
    [
        ({}, True),
        (LABELLED, True),  # the own drug need not be listed
        ({"prior_lines": 7}, True),
        ({"disease_state": "remission"}, True),  # the label names no state of the disease
        (NO_LINES, False),
        (AL, False),
        (WITH["dexamethasone"], False),
        (WITH["lenalidomide alone"], False),
        (WITH["four drugs"], False),
        (WITH["cyclophosphamide"], False),
    ],
)
def test_the_label_indicates_the_triplet_after_a_prior_therapy(
    library: Library, facts: Facts, *, indicated: bool
) -> None:
    assert says(library, LABEL, facts)["supports"] == ({"Indication"} if indicated else set())


LIMITS = {
    "maintenance": "Limitations of Use.Maintenance",
    "new": "Limitations of Use.Newly Diagnosed",
    "child": "Pediatric Use",
    "dose": "Dosage (maximum)",
    "duration": "Dosage (duration)",
}
GOES_ON: Facts = {"request": "continuation"}


@pytest.mark.parametrize(
    ("facts", "limits"),
    [
        ({}, []),
        ({"treatment_setting": "maintenance"}, ["maintenance"]),
        ({"treatment_setting": "maintenance"} | WITH["nothing"], ["maintenance"]),
        ({"treatment_setting": "maintenance"} | AL, []),
        (NEW, ["new"]),
        (NEW | WITH["four drugs"], ["new"]),
        (NEW | WITH["dexamethasone"], []),
        (NEW | WITH["lenalidomide alone"], []),
        (NEW | AL, []),
        ({"age": 17}, ["child"]),
        ({"age": 17} | WM, ["child"]),
        ({"age": 18}, []),
        ({"weekly_dose_mg": 4.1}, ["dose"]),
        ({"weekly_dose_mg": 2.3}, []),
        ({"dosing_weeks": 4}, ["dose"]),
        ({"dosing_weeks": 2}, []),
        ({"cycle_days": 27}, ["dose"]),
        ({"cycle_days": 35}, []),
        ({"weekly_dose_mg": 4.1} | AL, ["dose"]),
        ({"progression": True}, []),
        ({"unacceptable_toxicity": True}, []),
        (GOES_ON, []),
        (GOES_ON | {"progression": True}, ["duration"]),
        (GOES_ON | {"unacceptable_toxicity": True}, ["duration"]),
        (
            NEW | {"age": 17, "weekly_dose_mg": 5.5, "treatment_setting": "maintenance"},
            ["maintenance", "new", "child", "dose"],
        ),
    ],
)
def test_the_label_limits_use(library: Library, facts: Facts, limits: list[str]) -> None:
    assert says(library, LABEL, facts)["limits"] == {LIMITS[limit] for limit in limits}


def test_the_label_says_the_same_since_its_limits_are_reported(library: Library) -> None:
    before, after = library.references[LABEL].versions
    assert (before.start, before.until, after.start, after.until) == (
        *("2022-05-12", "2024-07-01"),
        *("2024-07-01", None),
    )
    assert before.texts == after.texts
    assert library.references[LABEL].version("2022-05-11") is None


# --- The guideline on multiple myeloma --------------------------------------------------------

TWO_LINES: Facts = WITH["pomalidomide"] | {
    "prior_lines": 2,
    "prior_drugs": ["lenalidomide", "bortezomib", "daratumumab", "dexamethasone"],
    "refractory_to": ["lenalidomide"],
    "days_to_progression": 60,
    "disease_state": "refractory",
}
BOTH: Facts = TWO_LINES | {"refractory_to": ["lenalidomide", "daratumumab"]}
ISATUXIMAB: Facts = TWO_LINES | {
    "prior_drugs": ["pomalidomide", "carfilzomib", "isatuximab"],
    "refractory_to": ["isatuximab"],
}


@pytest.mark.parametrize(
    ("facts", "sections"),
    [
        (TWO_LINES, [LENALIDOMIDE, ONE_TO_THREE]),
        (BOTH, [CD38, LENALIDOMIDE, ONE_TO_THREE]),
        (ISATUXIMAB, [CD38, ONE_TO_THREE]),
        (TWO_LINES | {"refractory_to": ["bortezomib"]}, [ONE_TO_THREE]),
        (BOTH | {"refractory_to": []}, [ONE_TO_THREE]),
        (BOTH | {"prior_lines": 1}, [ONE_TO_THREE]),
        (BOTH | {"prior_lines": 3}, [CD38, LENALIDOMIDE, ONE_TO_THREE]),
        (BOTH | {"prior_lines": 4}, [CD38, LENALIDOMIDE]),
        (BOTH | {"days_to_progression": 0}, [CD38, LENALIDOMIDE, ONE_TO_THREE]),
        (BOTH | {"days_to_progression": 61}, [ONE_TO_THREE]),
        (BOTH | {"prior_drugs": ["lenalidomide", "daratumumab"]}, [ONE_TO_THREE]),
        (ISATUXIMAB | {"prior_drugs": ["carfilzomib", "isatuximab"]}, [ONE_TO_THREE]),
        (BOTH | {"disease_state": "relapsed"}, [CD38, LENALIDOMIDE, ONE_TO_THREE]),
        (BOTH | {"disease_state": "remission"}, [CD38, LENALIDOMIDE]),
        (BOTH | {"regimen": ["pomalidomide"]}, []),
        (BOTH | {"regimen": ["pomalidomide", "dexamethasone", "daratumumab"]}, []),
        (BOTH | AL, []),
        ({**WITH["pomalidomide"], "prior_lines": 1}, [ONE_TO_THREE]),
        (WITH["pomalidomide"] | NO_LINES, []),
        ({**WITH["pomalidomide"], "prior_lines": 4}, []),
    ],
)
def test_the_guideline_supports_pomalidomide(
    library: Library, facts: Facts, sections: list[str]
) -> None:
    found = says(library, MYELOMA, facts)
    assert found["supports"] == set(sections)
    assert found["prefers"] == {CD38, LENALIDOMIDE}.intersection(sections)
    assert not found["limits"]


@pytest.mark.parametrize(
    ("facts", "on", "section", "supported"),
    [
        (WITH["cyclophosphamide"], "2026-01-26", "Cyclophosphamide and dexamethasone", True),
        *(
            (
                WITH["cyclophosphamide"] | {"prior_lines": lines},
                on,
                "Cyclophosphamide and dexamethasone",
                supported,
            )
            for lines, on, supported in (
                (3, "2026-01-26", True),
                (4, "2026-01-26", False),
                (4, "2026-01-25", True),
            )
        ),
        (
            WITH["cyclophosphamide"] | {"disease_state": "remission"},
            "2026-01-26",
            "Cyclophosphamide and dexamethasone",
            False,
        ),
        (
            WITH["cyclophosphamide"] | {"disease_state": "remission"},
            "2026-01-25",
            "Cyclophosphamide and dexamethasone",
            True,
        ),
        (
            WITH["cyclophosphamide"] | NO_LINES,
            "2026-01-25",
            "Cyclophosphamide and dexamethasone",
            False,
        ),
        ({}, "2026-01-26", "Lenalidomide and dexamethasone", True),
        ({}, "2022-05-12", "Lenalidomide and dexamethasone", True),
        (NO_LINES, "2026-01-26", "Lenalidomide and dexamethasone", False),
        (WITH["four drugs"], "2026-01-26", "Lenalidomide and dexamethasone", False),
        (WITH["dexamethasone"], "2023-04-13", "Dexamethasone", True),
        (WITH["dexamethasone"], "2023-04-14", "Dexamethasone", False),
        (WITH["dexamethasone"] | NO_LINES, "2023-04-13", "Dexamethasone", False),
        (
            WITH["venetoclax"] | {"t_11_14": True},
            "2024-05-06",
            "Venetoclax and dexamethasone",
            True,
        ),
        (
            WITH["venetoclax"] | {"t_11_14": True},
            "2024-05-05",
            "Venetoclax and dexamethasone",
            False,
        ),
        (WITH["venetoclax"], "2024-05-06", "Venetoclax and dexamethasone", False),
        (
            WITH["venetoclax"] | {"t_11_14": True} | NO_LINES,
            "2024-05-06",
            "Venetoclax and dexamethasone",
            False,
        ),
        (TWO_LINES, "2025-04-28", ANY_TWO_LINES, True),
        (TWO_LINES | {"refractory_to": []}, "2025-04-28", ANY_TWO_LINES, True),
        (TWO_LINES | {"prior_lines": 1}, "2025-04-28", ANY_TWO_LINES, False),
        (TWO_LINES | {"days_to_progression": 61}, "2025-04-28", ANY_TWO_LINES, False),
        (TWO_LINES, "2025-04-29", LENALIDOMIDE, True),
        (ISATUXIMAB, "2025-04-29", CD38, True),
        (TWO_LINES | {"refractory_to": []}, "2025-04-29", LENALIDOMIDE, False),
    ],
)
def test_the_guideline_supports_a_combination(
    library: Library, facts: Facts, on: str, section: str, *, supported: bool
) -> None:
    found = says(library, MYELOMA, facts, on)
    assert found["supports"] == ({section} if supported else set())
    assert not found["prefers"]


SUBSTITUTE: Facts = WITH["dexamethasone"] | {"substitution_reason": "logistical"}
FIRST: Facts = NEW | SUBSTITUTE
AGAIN: Facts = SUBSTITUTE | {"same_regimen_as_induction": True, "months_since_induction": 6}


@pytest.mark.parametrize(
    ("facts", "sections"),
    [
        (FIRST, ["Substitution.Primary treatment"]),
        (FIRST | {"substitution_reason": "intolerance"}, ["Substitution.Primary treatment"]),
        (FIRST | {"substitution_reason": "none"}, []),
        (FIRST | {"transplant_candidate": True}, []),
        (FIRST | {"treatment_setting": "subsequent"}, []),
        (FIRST | {"regimen": ["bortezomib", "dexamethasone"]}, []),
        (FIRST | {"regimen": ["carfilzomib"]}, []),
        (FIRST | AL, []),
        (AGAIN, ["Substitution.Relapse"]),
        (AGAIN | {"months_since_induction": 5.9}, []),
        (AGAIN | {"same_regimen_as_induction": False}, []),
        (AGAIN | {"disease_state": "refractory"}, []),
        (AGAIN | {"substitution_reason": "none"}, []),
        (AGAIN | {"transplant_candidate": True}, []),
    ],
)
def test_the_guideline_supports_substitution_since_2025(
    library: Library, facts: Facts, sections: list[str]
) -> None:
    assert says(library, MYELOMA, facts)["supports"] == set(sections)
    assert says(library, MYELOMA, facts, "2025-04-29")["supports"] == set(sections)
    assert not says(library, MYELOMA, facts, "2025-04-28")["supports"]


MAINTENANCE: Facts = WITH["nothing"] | {"treatment_setting": "maintenance"}
CANDIDATE: Facts = WITH["nothing"] | {"transplant_candidate": True}


@pytest.mark.parametrize("on", ["2022-05-12", "2026-02-01"])
@pytest.mark.parametrize(
    ("facts", "sections"),
    [
        (MAINTENANCE, ["Single agent.Maintenance"]),
        (MAINTENANCE | {"regimen": []}, ["Single agent.Maintenance"]),
        (MAINTENANCE | WITH["rituximab"], []),
        (MAINTENANCE | AL, []),
        (CANDIDATE, ["Single agent.Subsequent therapy"]),
        (CANDIDATE | {"transplant_candidate": False}, []),
        (CANDIDATE | NEW, []),
        (CANDIDATE | WITH["rituximab"], []),
    ],
)
def test_the_guideline_supports_the_single_agent(
    library: Library, facts: Facts, sections: list[str], on: str
) -> None:
    assert says(library, MYELOMA, facts, on)["supports"] == set(sections)


def test_the_label_limits_maintenance_that_the_guideline_supports(library: Library) -> None:
    assert says(library, LABEL, MAINTENANCE)["limits"] == {"Limitations of Use.Maintenance"}
    assert says(library, MYELOMA, MAINTENANCE)["supports"] == {"Single agent.Maintenance"}


# --- The guidelines on amyloidosis and macroglobulinemia --------------------------------------


@pytest.mark.parametrize(
    ("facts", "on", "sections"),
    [
        (WITH["dexamethasone"], "2025-04-29", ["Dexamethasone"]),
        ({}, "2025-04-29", ["Lenalidomide and dexamethasone"]),
        ({"disease_state": "refractory"}, "2025-04-29", ["Lenalidomide and dexamethasone"]),
        ({"disease_state": "newly_diagnosed"}, "2025-04-29", []),
        ({"disease_state": "remission"} | WITH["dexamethasone"], "2025-04-29", []),
        (WITH["four drugs"], "2025-04-29", []),
        (WITH["cyclophosphamide"], "2024-05-06", ["Cyclophosphamide and dexamethasone"]),
        (WITH["cyclophosphamide"], "2024-05-05", []),
        (WITH["nothing"], "2023-04-13", ["Single agent"]),
        (WITH["nothing"], "2023-04-14", []),
        (WITH["nothing"] | {"disease_state": "remission"}, "2023-04-13", []),
        ({"diagnosis": "multiple_myeloma"}, "2025-04-29", []),
    ],
)
def test_the_guideline_supports_amyloidosis(
    library: Library, facts: Facts, on: str, sections: list[str]
) -> None:
    assert says(library, AMYLOIDOSIS, AL | facts, on)["supports"] == set(sections)


@pytest.mark.parametrize(
    ("facts", "supported"),
    [
        (WM, True),
        ({"diagnosis": "lymphoplasmacytic_lymphoma"}, True),
        (WM | NEW, True),
        ({}, False),
        (WM | WITH["dexamethasone"], False),
        (WM | {"regimen": ["rituximab"]}, False),
        (WM | {"regimen": ["rituximab", "dexamethasone", "cyclophosphamide"]}, False),
    ],
)
def test_the_guideline_supports_macroglobulinemia(
    library: Library, facts: Facts, *, supported: bool
) -> None:
    found = says(library, WALDENSTROM, WITH["rituximab"] | facts)["supports"]
    assert found == ({"Rituximab and dexamethasone"} if supported else set())


# --- What holds for every patient -------------------------------------------------------------


def test_the_references_their_kinds_and_what_they_are_on(library: Library) -> None:
    kinds = {name: (each.kind, each.subject) for name, each in library.references.items()}
    assert kinds == {
        LIVERTOX: ("safety", "ixazomib"),
        MYELOMA: ("guideline", "ixazomib"),
        AMYLOIDOSIS: ("guideline", "ixazomib"),
        WALDENSTROM: ("guideline", "ixazomib"),
        LABEL: ("label", "ixazomib"),
        EFFICACY: ("article", "ixazomib"),
        ONCLIVE: ("article", "ixazomib"),
        ALLIANCE: ("trial", "ixazomib"),
        "IFM 2014-01": ("trial", "ixazomib"),
        "Pivotal phase 3 trial": ("trial", "ixazomib"),
        "Maintenance trials": ("trial", "ixazomib"),
        IMWG: ("response_criteria", "multiple_myeloma"),
        EARLIER: ("response_criteria", "multiple_myeloma"),
        PRINT_2009: ("response_criteria", "multiple_myeloma"),
        PRINT_2023: ("response_criteria", "multiple_myeloma"),
    }


def test_categories_and_preferences_are_those_reported(library: Library) -> None:
    found = {
        (reference.name, version.start, section): (stated.category, stated.preference)
        for reference in library.references.values()
        for version in reference.versions
        for section, stated in statements(version).items()
        if stated.category or stated.preference
    }
    single, maintenance = "Single agent.Subsequent therapy", "Single agent.Maintenance"
    assert found == {
        (MYELOMA, "2022-05-12", single): ("2B", None),
        (MYELOMA, "2023-04-14", single): ("2B", None),
        (MYELOMA, "2024-05-06", single): ("2B", None),
        (MYELOMA, "2025-04-29", single): ("2B", None),
        (MYELOMA, "2025-04-29", maintenance): ("2B", None),
        (MYELOMA, "2026-01-26", single): ("2B", None),
        (MYELOMA, "2026-01-26", maintenance): ("2B", None),
        (MYELOMA, "2026-01-26", CD38): (None, "preferred"),
        (MYELOMA, "2026-01-26", LENALIDOMIDE): (None, "preferred"),
        (MYELOMA, "2026-01-26", ONE_TO_THREE): ("1", "other"),
        (MYELOMA, "2026-01-26", "Cyclophosphamide and dexamethasone"): (None, "other"),
    }


def latest(reference: Reference) -> GroundProgram:
    return reference.versions[-1].program


@pytest.mark.parametrize("name", [LABEL, LIVERTOX])
def test_doses_reductions_and_capsules(library: Library, name: str) -> None:
    program = latest(library.references[name])
    doses = {tuple(dose[2:]) for dose in program.arguments("dose")}
    assert doses == {(4, "mg", day, 28) for day in (1, 8, 15)}
    strengths = {tuple(strength[2:]) for strength in program.arguments("strength")}
    assert strengths == {(amount, "mg", "capsule") for amount in ("2.3", 3, 4)}
    reductions = {
        str(section): amount for _, section, amount, _ in program.arguments("dose_reduction")
    }
    assert (
        reductions
        == {
            LIVERTOX: {"Background.Impairment": 3},
            LABEL: {
                "Dose Reduction.1": 3,
                "Dose Reduction.2": "2.3",
                "Dose Reduction.Hepatic Impairment": 3,
                "Dose Reduction.Hepatic Impairment, Severe": 3,
                "Dose Reduction.Renal Impairment": 3,
            },
        }[name]
    )


PROGRESSION = "Progressive disease"
HIGH_RISK = "Progression-free survival.High risk"
CONTRADICTIONS = {
    (LABEL, "Indication (as summarized)", LABEL, "Indication"),
    (LIVERTOX, "Introduction.Liver", LIVERTOX, "Hepatotoxicity.Aminotransferases"),
    (LIVERTOX, "Background.Mechanism", LABEL, "Mechanism"),
    (LIVERTOX, "Background.Approval", LABEL, "Indication"),
    (LIVERTOX, "Background.Impairment", LABEL, "Dosage"),
    (LIVERTOX, "Background.Impairment", LABEL, "Dose Reduction.Hepatic Impairment"),
    (LIVERTOX, "Background.Impairment", LABEL, "Dose Reduction.Renal Impairment"),
    (LIVERTOX, "Background.Severe reactions", LIVERTOX, "Background.Common reactions"),
    (LIVERTOX, "Background.Severe reactions", LABEL, "Adverse Reactions.Laboratory"),
    (LIVERTOX, "Drug Class", LABEL, "Description"),
    (EFFICACY, "What Ninlaro is used for.Use", LABEL, "Indication"),
    (ONCLIVE, "Guideline updates.Neuropathy", LABEL, "Warnings and Precautions"),
    (ONCLIVE, "Guideline updates.Neuropathy", LIVERTOX, "Background.Common reactions"),
    (ALLIANCE, "Citation", ALLIANCE, "Population.Prior lines"),
    (ALLIANCE, f"{HIGH_RISK}.Risk reduction", ALLIANCE, f"{HIGH_RISK}.Hazard ratio"),
    (EARLIER, f"{PROGRESSION}.Calcium (in mmol/L)", EARLIER, f"{PROGRESSION}.Calcium"),
    (EARLIER, f"{PROGRESSION}.Calcium", IMWG, PROGRESSION),
    *(
        (document, section, IMWG, section)
        for document, section in (
            (EARLIER, f"{PROGRESSION}.Marrow"),
            (EARLIER, f"{PROGRESSION}.Serum M-protein from 5 g/dL"),
            (PRINT_2009, f"{PROGRESSION}.Free light chains"),
            (PRINT_2023, "Complete response"),
            (PRINT_2023, "Very good partial response.Fall"),
            (PRINT_2023, "Partial response.M-protein.Serum"),
            (PRINT_2023, "Partial response.M-protein.Urine, fall"),
            (PRINT_2023, "Partial response.Marrow"),
            (PRINT_2023, "Partial response.Plasmacytomas"),
            (PRINT_2023, f"{PROGRESSION}.Serum M-protein"),
            (PRINT_2023, f"{PROGRESSION}.Serum M-protein from 5 g/dL"),
        )
    ),
}


def test_one_source_contradicts_another(library: Library) -> None:
    found = {
        (reference.name, stated.section, stated.other, stated.other_section)
        for reference in library.references.values()
        for version in reference.versions
        for stated in contradictions(version)
    }
    assert found == CONTRADICTIONS


def test_every_second_hand_statement_says_who_reports_it(library: Library) -> None:
    for reference in library.references.values():
        for version in reference.versions:
            for stated in statements(version).values():
                at_first_hand = version.status == "published"
                assert bool(stated.reported_by) is not at_first_hand, stated


def test_every_version_can_be_read_on_its_first_day_and_not_before_the_first(
    library: Library,
) -> None:
    for reference in library.references.values():
        for version in reference.versions:
            assert reference.version(version.start) is version
        assert reference.version("2006-12-31") is None
