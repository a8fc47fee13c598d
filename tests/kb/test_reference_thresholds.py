"""The thresholds of the references: each figure by hand, and both sides of it in a patient."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from engine.loading import load_packaged
from engine.program import GroundProgram
from engine.references import Reference, statements

IMWG, EARLIER = "IMWG response criteria", "IMWG uniform response criteria"
PRINT_2009, PRINT_2023 = "IMWG criteria in PMC2627786", "IMWG criteria in PMC9954856"
LABEL, LIVERTOX, EFFICACY = "Ninlaro label", "LiverTox Ixazomib", "Ninlaro Efficacy"
ALLIANCE = "Alliance A061202"

SERUM, URINE, MARROW = "serum_m_protein", "urine_m_protein", "marrow_plasma_cells"
DIFFERENCE, INVOLVED = "free_light_chain_difference", "involved_free_light_chain"
RATIO, SIZE = "free_light_chain_ratio", "plasmacytoma_size"
UNITS = {
    SERUM: "g/dL",
    URINE: "mg/24 h",
    MARROW: "%",
    DIFFERENCE: "mg/dL",
    INVOLVED: "mg/dL",
    RATIO: "ratio",
    "platelets": "/mm3",
    "neutrophils": "/mm3",
    "calcium": "mg/dL",
    "total_bilirubin": "x ULN",
    "aminotransferase": "x ULN",
    "creatinine_clearance": "mL/min",
    "prior_lines": "lines",
    "days_to_progression": "days",
    "ecog": "points",
}
WORDS = {">=": "at_least", ">": "more_than", "<=": "at_most", "<": "less_than"}
CHANGES = {
    "": "level",
    "baseline": "level_at_baseline",
    "lowest": "lowest_level",
    "rise": "rise_from_lowest",
    "% rise": "percent_rise_from_lowest",
    "% fall": "percent_fall_from_baseline",
}

# Written down from the sources: what is compared, how, with which figure.
THRESHOLDS: dict[str, dict[str, list[tuple[str, str, str]]]] = {
    IMWG: {
        "Measurable disease.Serum M-protein": [(SERUM, "", ">= 1")],
        "Measurable disease.Urine M-protein": [(URINE, "", ">= 200")],
        "Measurable disease.Free light chains": [(INVOLVED, "", ">= 10")],
        "Measurable disease.Free light chain ratio, low": [(RATIO, "", "< 0.26")],
        "Measurable disease.Free light chain ratio, high": [(RATIO, "", "> 1.65")],
        "Complete response": [(MARROW, "", "< 5")],
        "Very good partial response.Fall": [(SERUM, "% fall", ">= 90"), (URINE, "", "< 100")],
        "Partial response.M-protein.Serum": [(SERUM, "% fall", ">= 50")],
        "Partial response.M-protein.Urine, fall": [(URINE, "% fall", ">= 90")],
        "Partial response.M-protein.Urine, level": [(URINE, "", "< 200")],
        "Partial response.Free light chains": [(DIFFERENCE, "% fall", ">= 50")],
        "Partial response.Marrow": [(MARROW, "baseline", ">= 30"), (MARROW, "% fall", ">= 50")],
        "Partial response.Plasmacytomas": [(SIZE, "% fall", ">= 50")],
        "Minimal response.Serum M-protein": [
            (SERUM, "% fall", ">= 25"),
            (SERUM, "% fall", "<= 49"),
        ],
        "Minimal response.Urine M-protein": [
            (URINE, "% fall", ">= 50"),
            (URINE, "% fall", "<= 89"),
        ],
        "Minimal response.Plasmacytomas": [(SIZE, "% fall", ">= 50")],
        "Progressive disease.Serum M-protein": [
            (SERUM, "% rise", ">= 25"),
            (SERUM, "rise", ">= 0.5"),
        ],
        "Progressive disease.Serum M-protein from 5 g/dL": [
            (SERUM, "lowest", ">= 5"),
            (SERUM, "rise", ">= 1"),
        ],
        "Progressive disease.Urine M-protein": [
            (URINE, "% rise", ">= 25"),
            (URINE, "rise", ">= 200"),
        ],
        "Progressive disease.Free light chains": [
            (DIFFERENCE, "% rise", ">= 25"),
            (DIFFERENCE, "rise", "> 10"),
        ],
        "Progressive disease.Marrow": [
            (MARROW, "% rise", ">= 25"),
            (MARROW, "rise", ">= 10"),
        ],
        "Refractory disease.Within 60 days": [("days_to_progression", "", "<= 60")],
    },
    EARLIER: {
        "Progressive disease.Marrow": [(MARROW, "% rise", ">= 25"), (MARROW, "", ">= 10")],
        "Progressive disease.Serum M-protein from 5 g/dL": [
            (SERUM, "baseline", ">= 5"),
            (SERUM, "rise", ">= 1"),
        ],
        "Progressive disease.Calcium": [("calcium", "", "> 11.5")],
        "Progressive disease.Calcium (in mmol/L)": [("calcium", "", "> 2.65 mmol/L")],
        "Relapse from complete response.Marrow": [(MARROW, "", ">= 5")],
    },
    PRINT_2009: {
        "Progressive disease.Free light chains": [
            (DIFFERENCE, "% rise", ">= 25"),
            (DIFFERENCE, "rise", "> 10 mg/L"),
        ],
    },
    PRINT_2023: {
        "Very good partial response.Fall": [(SERUM, "% fall", "> 90")],
        "Partial response.M-protein.Serum": [(SERUM, "% fall", "> 50")],
        "Partial response.M-protein.Urine, fall": [(URINE, "% fall", "> 90")],
        "Partial response.Marrow": [(MARROW, "% fall", "> 50")],
        "Partial response.Plasmacytomas": [(SIZE, "% fall", "> 50")],
        "Progressive disease.Serum M-protein": [
            (SERUM, "% rise", ">= 25"),
            (SERUM, "rise", "> 0.5"),
        ],
        "Progressive disease.Serum M-protein from 5 g/dL": [
            (SERUM, "lowest", ">= 5"),
            (SERUM, "% rise", ">= 25"),
            (SERUM, "rise", ">= 1"),
        ],
    },
    LABEL: {
        "Dose Modification.Cycle Start, Platelets": [("platelets", "", ">= 75000")],
        "Dose Modification.Cycle Start, Neutrophils": [("neutrophils", "", ">= 1000")],
        "Dose Modification.Platelets": [("platelets", "", "< 30000")],
        "Dose Modification.Platelets, Recovery": [("platelets", "", ">= 30000")],
        "Dose Modification.Neutrophils": [("neutrophils", "", "< 500")],
        "Dose Modification.Neutrophils, Recovery": [("neutrophils", "", ">= 500")],
        "Dose Reduction.Hepatic Impairment": [("total_bilirubin", "", "> 1.5")],
        "Dose Reduction.Hepatic Impairment, Severe": [("total_bilirubin", "", "> 3")],
        "Dose Reduction.Renal Impairment, Clearance": [("creatinine_clearance", "", "< 30")],
    },
    LIVERTOX: {
        "Hepatotoxicity.Aminotransferases above 5 times normal": [("aminotransferase", "", "> 5")],
        "Outcome and Management.Aminotransferases": [("aminotransferase", "", "> 5")],
    },
    EFFICACY: {
        "How efficacy is measured.Residual disease, 100,000 cells": [
            ("residual_cells", "", "< 1 per 100,000 cells")
        ],
        "How efficacy is measured.Residual disease, 1,000,000 cells": [
            ("residual_cells", "", "< 1 per 1,000,000 cells")
        ],
    },
    ALLIANCE: {
        "Population.Prior lines": [("prior_lines", "", ">= 2")],
        "Population.Performance": [("ecog", "", ">= 0"), ("ecog", "", "<= 2")],
    },
}


@pytest.fixture(scope="module")
def references() -> dict[str, Reference]:
    return dict(load_packaged().references)


def latest(reference: Reference) -> GroundProgram:
    return reference.versions[-1].program


def test_every_threshold_is_the_one_of_the_source_and_there_is_no_other(
    references: dict[str, Reference],
) -> None:
    expected = set()
    for name, sections in THRESHOLDS.items():
        for section, compared in sections.items():
            for measurement, change, limit in compared:
                comparison, amount, *unit = limit.split(" ", 2)
                known = "%" if change.startswith("%") else UNITS.get(measurement, "")
                expected.add(
                    (
                        *(name, section, measurement, CHANGES[change], WORDS[comparison]),
                        *(amount, unit[0] if unit else known),
                    )
                )
    found = {
        tuple(map(str, threshold))
        for reference in references.values()
        for threshold in latest(reference).arguments("threshold")
    }
    assert found == expected


def test_each_figure_of_a_threshold_stands_in_the_text_of_its_section(
    references: dict[str, Reference],
) -> None:
    for reference in references.values():
        said = statements(reference.versions[-1])
        for _, section, *_, amount, _ in latest(reference).arguments("threshold"):
            text = said[str(section)].text
            spelt = {"1": "one"}.get(str(amount), "")
            assert f"{Decimal(str(amount)):,}" in text or (spelt and spelt in text), (section, text)


# --- What the sections mean together ----------------------------------------------------------


@dataclass
class Patient:
    """Values by measurement: at baseline, at the lowest, now; results; what cannot be measured."""

    values: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)
    unmeasurable: frozenset[str] = frozenset()
    at_baseline: frozenset[str] = frozenset()


def value(patient: Patient, measurement: str, change: str) -> Decimal | None:
    if measurement not in patient.values:
        return None
    baseline, lowest, now = map(Decimal, patient.values[measurement])
    return {
        "level": now,
        "level_at_baseline": baseline,
        "lowest_level": lowest,
        "rise_from_lowest": now - lowest,
        "percent_rise_from_lowest": (now - lowest) * 100 / lowest if lowest else None,
        "percent_fall_from_baseline": (baseline - now) * 100 / baseline if baseline else None,
    }[change]


def holds(program: GroundProgram, section: str, patient: Patient) -> bool:
    """Work out whether a patient meets a section, as the page on the language says it."""

    def about(statement: str) -> Iterator[tuple[str, ...]]:
        for _, of, *rest in program.arguments(statement):
            if of == section:
                yield tuple(map(str, rest))

    def met(measurement: str, change: str, comparison: str, amount: str) -> bool:
        found, limit = value(patient, measurement, change), Decimal(amount)
        return (
            found is not None
            and {
                "at_least": found >= limit,
                "more_than": found > limit,
                "at_most": found <= limit,
                "less_than": found < limit,
            }[comparison]
        )

    any_of = [part for (part,) in about("requires_any")]
    return (
        all(met(*threshold[:4]) for threshold in about("threshold"))
        and all(patient.results.get(looked_for) == result for looked_for, result in about("shows"))
        and all(
            counted(program, part, patient) is not True or holds(program, part, patient)
            for (part,) in about("requires_all")
        )
        and (not any_of or any(counts(program, part, patient) for part in any_of))
        and not any(holds(program, part, patient) for (part,) in about("requires_none"))
    )


def counted(program: GroundProgram, section: str, patient: Patient) -> bool:
    """Whether a section is for such patients."""
    there = {"unmeasurable": patient.unmeasurable, "present_at_baseline": patient.at_baseline}
    return all(
        measurement in there[str(circumstance)]
        for _, of, measurement, circumstance in program.arguments("counts_if")
        if of == section
    )


def counts(program: GroundProgram, section: str, patient: Patient) -> bool:
    return counted(program, section, patient) and holds(program, section, patient)


NO_M_PROTEIN = frozenset({SERUM, URINE})
MARROW_ONLY = NO_M_PROTEIN | {INVOLVED}


def at(measurement: str, now: str) -> Patient:
    return Patient({measurement: (now, now, now)})


def moved(
    measurement: str, start: str, now: str, unmeasurable: frozenset[str] = frozenset()
) -> Patient:
    """Return a patient whose value was the same at baseline and at the lowest."""
    return Patient({measurement: (start, start, now)}, unmeasurable=unmeasurable)


def fell(serum: str, urine: str, **more: tuple[str, str, str]) -> Patient:
    return Patient({SERUM: ("4", serum, serum), URINE: ("1000", urine, urine), **more})


CLEAR = {
    "serum_immunofixation": "negative",
    "urine_immunofixation": "negative",
    "plasmacytoma": "absent",
}
FIXED = {
    "serum_electrophoresis": "negative",
    "urine_electrophoresis": "negative",
    "serum_immunofixation": "negative",
    "urine_immunofixation": "positive",
}
BULKY = frozenset({"plasmacytoma"})


def shrunk(size: str, serum: str = "2", urine: str = "199") -> Patient:
    values = {SERUM: ("4", serum, serum), URINE: ("1000", urine, urine), SIZE: ("10", size, size)}
    return Patient(values, at_baseline=BULKY)


CASES: list[tuple[str, str, Patient, bool]] = [
    # Progression: 25 % and 0.5 g/dL of serum M-protein
    (IMWG, "Progressive disease", moved(SERUM, "2", "2.5"), True),
    (IMWG, "Progressive disease", moved(SERUM, "2", "2.49"), False),
    (IMWG, "Progressive disease", moved(SERUM, "2.4", "3"), True),
    (IMWG, "Progressive disease", moved(SERUM, "2.4", "2.99"), False),
    (IMWG, "Progressive disease", moved(SERUM, "1", "1.49"), False),
    (IMWG, "Progressive disease", Patient({SERUM: ("4", "1", "1.5")}), True),
    # 1 g/dL from 5 g/dL on
    (IMWG, "Progressive disease", moved(SERUM, "5", "6"), True),
    (IMWG, "Progressive disease", moved(SERUM, "5", "5.99"), False),
    (IMWG, "Progressive disease", moved(SERUM, "4.99", "6"), False),
    (PRINT_2023, "Progressive disease.Serum M-protein from 5 g/dL", moved(SERUM, "5", "6"), False),
    (PRINT_2023, "Progressive disease.Serum M-protein from 5 g/dL", moved(SERUM, "5", "6.25"), True),
    (PRINT_2023, "Progressive disease.Serum M-protein", moved(SERUM, "2", "2.5"), False),
    (PRINT_2023, "Progressive disease.Serum M-protein", moved(SERUM, "2", "2.51"), True),
    # 25 % and 200 mg in 24 hours of urine M-protein
    (IMWG, "Progressive disease", moved(URINE, "400", "600"), True),
    (IMWG, "Progressive disease", moved(URINE, "400", "599"), False),
    (IMWG, "Progressive disease", moved(URINE, "1000", "1250"), True),
    (IMWG, "Progressive disease", moved(URINE, "1000", "1249"), False),
    # 25 % and more than 10 mg/dL of free light chains, where nothing else can be measured
    (IMWG, "Progressive disease", moved(DIFFERENCE, "20", "30.1", NO_M_PROTEIN), True),
    (IMWG, "Progressive disease", moved(DIFFERENCE, "20", "30", NO_M_PROTEIN), False),
    (IMWG, "Progressive disease", moved(DIFFERENCE, "20", "30.1"), False),
    (IMWG, "Progressive disease", moved(DIFFERENCE, "20", "30.1", frozenset({SERUM})), False),
    (IMWG, "Progressive disease", moved(DIFFERENCE, "80", "100", NO_M_PROTEIN), True),
    (IMWG, "Progressive disease", moved(DIFFERENCE, "80", "99", NO_M_PROTEIN), False),
    # 25 % and 10 percentage points of plasma cells, where light chains cannot be measured either
    (IMWG, "Progressive disease", moved(MARROW, "20", "30", MARROW_ONLY), True),
    (IMWG, "Progressive disease", moved(MARROW, "20", "29", MARROW_ONLY), False),
    (IMWG, "Progressive disease", moved(MARROW, "48", "60", MARROW_ONLY), True),
    (IMWG, "Progressive disease", moved(MARROW, "48", "59", MARROW_ONLY), False),
    (IMWG, "Progressive disease", moved(MARROW, "20", "30", NO_M_PROTEIN), False),
    (EARLIER, "Progressive disease.Marrow", moved(MARROW, "8", "10"), True),
    (EARLIER, "Progressive disease.Marrow", moved(MARROW, "7", "9"), False),
    # Lesions
    (IMWG, "Progressive disease", Patient(results={"new_lesion": "present"}), True),
    (IMWG, "Progressive disease", Patient(results={"larger_lesion": "present"}), True),
    (IMWG, "Progressive disease", Patient(results={"new_lesion": "absent"}), False),
    (IMWG, "Progressive disease", Patient(), False),
    # Partial response: serum, and urine by its fall or its level
    (IMWG, "Partial response", fell("2", "199"), True),
    (IMWG, "Partial response", fell("2.01", "199"), False),
    (IMWG, "Partial response", fell("2", "200"), False),
    (IMWG, "Partial response", Patient({SERUM: ("4", "2", "2"), URINE: ("3000", "300", "300")}), True),
    (IMWG, "Partial response", Patient({SERUM: ("4", "2", "2"), URINE: ("3000", "301", "301")}), False),
    (PRINT_2023, "Partial response.M-protein.Serum", fell("2", "199"), False),
    (PRINT_2023, "Partial response.M-protein.Serum", fell("1.99", "199"), True),
    (IMWG, "Partial response", shrunk("5"), True),
    (IMWG, "Partial response", shrunk("5.1"), False),
    (IMWG, "Partial response", moved(DIFFERENCE, "40", "20", NO_M_PROTEIN), True),
    (IMWG, "Partial response", moved(DIFFERENCE, "40", "20.1", NO_M_PROTEIN), False),
    (IMWG, "Partial response", moved(DIFFERENCE, "40", "20"), False),
    (IMWG, "Partial response", moved(MARROW, "30", "15", MARROW_ONLY), True),
    (IMWG, "Partial response", moved(MARROW, "30", "16", MARROW_ONLY), False),
    (IMWG, "Partial response", moved(MARROW, "29", "14", MARROW_ONLY), False),
    # Very good partial response
    (IMWG, "Very good partial response", fell("0.4", "99"), True),
    (IMWG, "Very good partial response", fell("0.41", "99"), False),
    (IMWG, "Very good partial response", fell("0.4", "100"), False),
    (IMWG, "Very good partial response", Patient(results=FIXED), True),
    (
        IMWG,
        "Very good partial response",
        Patient(results={**FIXED, "urine_immunofixation": "negative"}),
        False,
    ),
    (
        IMWG,
        "Very good partial response",
        Patient(results={**FIXED, "serum_electrophoresis": "positive"}),
        False,
    ),
    # Complete response
    (IMWG, "Complete response", Patient({MARROW: ("40", "4", "4.9")}, CLEAR), True),
    (IMWG, "Complete response", Patient({MARROW: ("40", "5", "5")}, CLEAR), False),
    (
        IMWG,
        "Complete response",
        Patient({MARROW: ("40", "4", "4")}, {**CLEAR, "urine_immunofixation": "positive"}),
        False,
    ),
    (
        PRINT_2023,
        "Complete response",
        Patient(results={**CLEAR, "urine_immunofixation": "positive"}),
        True,
    ),
    (
        IMWG,
        "Stringent complete response",
        Patient({MARROW: ("40", "4", "4")}, CLEAR),
        False,
    ),
    (
        IMWG,
        "Stringent complete response",
        Patient(
            {MARROW: ("40", "4", "4")},
            {**CLEAR, "free_light_chain_ratio_class": "normal", "clonal_plasma_cells": "absent"},
        ),
        True,
    ),
    # Minimal response: 25 % to 49 %, and 50 % to 89 %
    (IMWG, "Minimal response", fell("3", "500"), True),
    (IMWG, "Minimal response", fell("3.01", "500"), False),
    (IMWG, "Minimal response", fell("2.04", "110"), True),
    (IMWG, "Minimal response", fell("2.03", "110"), False),
    (IMWG, "Minimal response", fell("3", "501"), False),
    (IMWG, "Minimal response", fell("3", "109"), False),
    # Stable disease: none of these
    (IMWG, "Stable disease", fell("4", "1000"), True),
    (IMWG, "Stable disease", fell("3", "500"), False),
    (IMWG, "Stable disease", moved(SERUM, "2", "2.5"), False),
    # Measurable disease
    (IMWG, "Measurable disease", at(SERUM, "1"), True),
    (IMWG, "Measurable disease", at(SERUM, "0.99"), False),
    (IMWG, "Measurable disease", at(URINE, "200"), True),
    (IMWG, "Measurable disease", at(URINE, "199"), False),
    *(
        (IMWG, "Measurable disease", Patient({INVOLVED: (x, x, x), RATIO: (r, r, r)}), measurable)
        for x, r, measurable in (
            ("10", "1.66", True),
            ("9.9", "1.66", False),
            ("10", "1.65", False),
            ("10", "0.26", False),
            ("10", "0.25", True),
        )
    ),
    # Refractory disease
    (IMWG, "Refractory disease", at("days_to_progression", "60"), True),
    (IMWG, "Refractory disease", at("days_to_progression", "61"), False),
    (IMWG, "Refractory disease", Patient(results={"treatment_response": "none"}), True),
    # Calcium
    (EARLIER, "Progressive disease.Calcium", at("calcium", "11.5"), False),
    (EARLIER, "Progressive disease.Calcium", at("calcium", "11.6"), True),
    # When to begin a cycle, hold and resume
    *(
        (
            LABEL,
            "Dose Modification.Cycle Start",
            Patient({"platelets": (p, p, p), "neutrophils": (n, n, n)}),
            begin,
        )
        for p, n, begin in (
            ("75000", "1000", True),
            ("74999", "1000", False),
            ("75000", "999", False),
        )
    ),
    (LABEL, "Dose Modification.Platelets", at("platelets", "29999"), True),
    (LABEL, "Dose Modification.Platelets", at("platelets", "30000"), False),
    (LABEL, "Dose Modification.Platelets, Recovery", at("platelets", "30000"), True),
    (LABEL, "Dose Modification.Neutrophils", at("neutrophils", "499"), True),
    (LABEL, "Dose Modification.Neutrophils", at("neutrophils", "500"), False),
    (LABEL, "Dose Modification.Neutrophils, Recovery", at("neutrophils", "500"), True),
    # When to reduce
    (LABEL, "Dose Reduction.Hepatic Impairment", at("total_bilirubin", "1.5"), False),
    (LABEL, "Dose Reduction.Hepatic Impairment", at("total_bilirubin", "1.6"), True),
    (LABEL, "Dose Reduction.Hepatic Impairment, Severe", at("total_bilirubin", "3"), False),
    (LABEL, "Dose Reduction.Hepatic Impairment, Severe", at("total_bilirubin", "3.1"), True),
    (LABEL, "Dose Reduction.Renal Impairment", at("creatinine_clearance", "30"), False),
    (LABEL, "Dose Reduction.Renal Impairment", at("creatinine_clearance", "29"), True),
    (
        LABEL,
        "Dose Reduction.Renal Impairment",
        Patient(results={"end_stage_renal_disease": "present"}),
        True,
    ),
    (LIVERTOX, "Outcome and Management.Aminotransferases", at("aminotransferase", "5"), False),
    (LIVERTOX, "Outcome and Management.Aminotransferases", at("aminotransferase", "5.1"), True),
    # Cytogenetics of high risk
    (EFFICACY, "Factors.High risk", Patient(results={"t_14_16": "present"}), True),
    (EFFICACY, "Factors.High risk", Patient(results={"t_14_16": "absent"}), False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "section", "patient", "meets"), CASES)
def test_a_section_holds_on_one_side_of_its_figures(
    name: str,
    section: str,
    patient: Patient,
    references: dict[str, Reference],
    *,
    meets: bool,
) -> None:
    assert holds(latest(references[name]), section, patient) is meets


def test_every_category_of_the_criteria_is_seen_both_ways(references: dict[str, Reference]) -> None:
    stated = {str(section) for _, section, _ in latest(references[IMWG]).arguments("defines")}
    for category in stated:
        seen = {meets for name, section, _, meets in CASES if (name, section) == (IMWG, category)}
        assert seen == {True, False}


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        (IMWG, dict.fromkeys(("Complete response", "Stringent complete response"), 2)),
        (IMWG, {"Very good partial response": 2, "Partial response": 2, "Minimal response": 2}),
        (IMWG, {"Progressive disease": 2}),
        (LIVERTOX, {"Outcome and Management.Aminotransferases": 2}),
    ],
)
def test_two_assessments_confirm(
    name: str, sections: Mapping[str, int], references: dict[str, Reference]
) -> None:
    stated = {str(s): count for _, s, count in latest(references[name]).arguments("assessments")}
    assert {section: stated.get(section) for section in sections} == sections


def test_what_is_called_for_is_what_the_sources_say(references: dict[str, Reference]) -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for name, reference in references.items():
        for _, section, action in latest(reference).arguments("calls_for"):
            found.setdefault((name, str(action)), set()).add(str(section))
    assert found == {
        (LABEL, "start_cycle"): {"Dose Modification.Cycle Start"},
        (LABEL, "hold"): {"Dose Modification.Platelets", "Dose Modification.Neutrophils"},
        (LABEL, "resume"): {
            *("Dose Modification.Platelets, Recovery", "Dose Modification.Neutrophils, Recovery"),
        },
        (LABEL, "reduce"): {
            *("Dose Reduction.1", "Dose Reduction.2", "Dose Reduction.Hepatic Impairment"),
            *("Dose Reduction.Hepatic Impairment, Severe", "Dose Reduction.Renal Impairment"),
        },
        (LABEL, "stop"): {"Dose Reduction.3"},
        (LIVERTOX, "reduce"): {
            *("Background.Impairment", "Outcome and Management.Aminotransferases"),
        },
        (LIVERTOX, "hold"): {
            *("Outcome and Management.Aminotransferases", "Outcome and Management.Liver Injury"),
        },
        (EFFICACY, "reduce"): {"Factors.Dose reduction"},
    }


def test_each_status_is_defined_by_its_sections(references: dict[str, Reference]) -> None:
    found = {
        (name, str(status), str(section))
        for name, reference in references.items()
        for _, section, status in latest(reference).arguments("defines")
    }
    assert found == {
        (IMWG, "measurable", "Measurable disease"),
        (IMWG, "stringent_complete", "Stringent complete response"),
        (IMWG, "complete", "Complete response"),
        (IMWG, "very_good_partial", "Very good partial response"),
        (IMWG, "partial", "Partial response"),
        (IMWG, "minimal", "Minimal response"),
        (IMWG, "stable", "Stable disease"),
        (IMWG, "progressive", "Progressive disease"),
        (IMWG, "refractory", "Refractory disease"),
        (EARLIER, "progressive", "Progressive disease.Marrow"),
        (EARLIER, "progressive", "Progressive disease.Serum M-protein from 5 g/dL"),
        (EARLIER, "progressive", "Progressive disease.Calcium"),
        (EARLIER, "progressive", "Progressive disease.Calcium (in mmol/L)"),
        (EFFICACY, "high_risk", "Factors.High risk"),
        (EFFICACY, "residual_negative", "How efficacy is measured.Residual disease"),
    }
