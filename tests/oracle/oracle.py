"""Decide coverage requests for two policies in plain Python, as an oracle for the solver.

A second derivation of FEP 5.21.071 and Centene CP.PHAR.302 from their texts. It takes nothing
from the knowledge base: a complete case is decided by ordinary functions, one to a section, and
a partial case by going through its completions.

A complete case is a mapping from fact name to value: `bool`, `str` for a choice, `int` (or
`Decimal`, for the two facts with one decimal) for a number, `frozenset` of drugs for a set. A
partial case is in the JSON form (see `possible_answers`).
"""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

Facts: TypeAlias = Mapping[str, Any]
Known: TypeAlias = Mapping[str, object]
Readings: TypeAlias = Mapping[str, str]
Number: TypeAlias = int | Decimal
Drugs: TypeAlias = frozenset[str]

FEP = "5.21.071"
CENTENE = "CP.PHAR.302"

VERSIONS: dict[str, tuple[str, ...]] = {
    FEP: ("2024-01-01",),
    CENTENE: ("2022-08-01", "2023-08-01", "2024-08-01", "2025-08-01"),
}

# The default comes first.
READINGS: dict[str, dict[str, tuple[str, ...]]] = {
    CENTENE: {
        "primary_treatment_prior_therapy": ("both_bind", "waived"),
        "substitute_conditions": ("both_arms", "relapse_arm_only"),
        "after_six_months": ("at_least_six", "more_than_six"),
        "in_combination_with": ("exactly", "at_least"),
        "class_examples": ("any_of_class", "named_drugs_only"),
        "appendix_b": ("illustrative", "exhaustive"),
        "regimen_footnote": ("condition", "advice"),
        "dose_evidence": ("any_use", "off_label_only"),
        "lymphoma_without_igm": ("included", "igm_only"),
        "other_use": ("all_four", "diagnosis_only"),
        "thirty_days": ("documentation_arm", "both_arms"),
        "stable_disease": ("not_responding", "responding"),
        "renewal_footnote": ("dose_increase_only", "every_renewal"),
        "unlisted_uses": ("does_not_block", "blocks"),
        "continued_indication": ("titles", "criteria"),
    },
    FEP: {
        "in_combination_with": ("at_least", "exactly"),
        "progression_or_toxicity": ("neither", "not_both"),
    },
}

_DEFAULTS: dict[str, dict[str, str]] = {
    policy: {name: choices[0] for name, choices in readings.items()}
    for policy, readings in READINGS.items()
}

# --- The facts ------------------------------------------------------------------------------

DRUGS: tuple[str, ...] = (
    "ixazomib",
    "bortezomib",
    "carfilzomib",
    "lenalidomide",
    "pomalidomide",
    "thalidomide",
    "daratumumab",
    "isatuximab",
    "elotuzumab",
    "venetoclax",
    "selinexor",
    "dexamethasone",
    "prednisone",
    "cyclophosphamide",
    "melphalan",
    "cisplatin",
    "doxorubicin",
    "etoposide",
    "rituximab",
    "other_drug",
)
PROTEASOME_INHIBITORS: Drugs = frozenset({"ixazomib", "bortezomib", "carfilzomib"})
IMMUNOMODULATORS: Drugs = frozenset({"lenalidomide", "pomalidomide", "thalidomide"})
ANTI_CD38: Drugs = frozenset({"daratumumab", "isatuximab"})

BOOLEANS: tuple[str, ...] = (
    "specialist_consulted",
    "t_11_14",
    "transplant_candidate",
    "same_regimen_as_induction",
    "dose_evidence",
    "regimen_recommended",
    "on_formulary",
    "label_changed_recently",
    "currently_receiving",
    "paid_by_plan",
    "covered_indication",
    "responding",
    "progression",
    "unacceptable_toxicity",
    "dose_increase",
)

CHOICES: dict[str, tuple[str, ...]] = {
    "request": ("initial", "continuation"),
    "line_of_business": ("commercial", "him", "medicaid", "fep"),
    "diagnosis": (
        "multiple_myeloma",
        "al_amyloidosis",
        "waldenstrom_macroglobulinemia",
        "lymphoplasmacytic_lymphoma",
        "other",
    ),
    "disease_state": ("newly_diagnosed", "relapsed", "refractory", "remission"),
    "treatment_setting": ("primary", "subsequent", "maintenance"),
    "prescriber": ("oncologist", "hematologist", "other"),
    "substitution_reason": ("none", "intolerance", "logistical"),
    "response": ("complete", "very_good_partial", "partial", "minimal", "stable", "progressive"),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """Describe a number: its range, its resolution, and where a rule of a policy cuts it."""

    low: Number
    high: Number
    thresholds: tuple[int, ...]
    step: Number = 1


NUMBERS: dict[str, Scale] = {
    "age": Scale(0, 120, (18,)),
    "prior_lines": Scale(0, 30, (1, 2)),
    "days_to_progression": Scale(0, 36500, (60,)),
    "months_since_induction": Scale(Decimal(0), Decimal(600), (6,), step=Decimal("0.1")),
    "weekly_dose_mg": Scale(Decimal(0), Decimal(100), (4,), step=Decimal("0.1")),
    "dosing_weeks": Scale(0, 52, (3,)),
    "cycle_days": Scale(1, 365, (28,)),
    # The lesser of 12 and the months requested: every number up to 12 gives another answer.
    "requested_months": Scale(1, 120, tuple(range(1, 13))),
    "days_on_drug": Scale(0, 36500, (30,)),
}

SETS: tuple[str, ...] = ("regimen", "prior_drugs", "refractory_to")

FACTS: tuple[str, ...] = (*CHOICES, *NUMBERS, *SETS, *BOOLEANS)


def contradictions(policy: str, facts: Facts) -> tuple[str, ...]:
    """Name what cannot hold together in a complete case, in a fixed order."""
    found: list[str] = []
    if facts["treatment_setting"] == "primary" and facts["prior_lines"] >= 1:
        found.append("primary_treatment_with_prior_line")
    if not facts["refractory_to"] <= facts["prior_drugs"]:
        found.append("refractory_to_drug_never_given")
    if facts["progression"] and facts["response"] == "complete":
        found.append("progression_with_complete_response")
    if facts["response"] == "progressive" and not facts["progression"]:
        found.append("progressive_response_without_progression")
    if facts["response"] == "progressive" and facts["responding"]:
        found.append("responding_with_progressive_response")
    if facts["prior_drugs"] and facts["prior_lines"] == 0:
        found.append("prior_drugs_without_prior_line")
    if policy == CENTENE and facts["line_of_business"] == "fep":
        found.append("line_of_business")  # head of the policy: commercial, HIM and Medicaid
    return tuple(found)


# --- Answers --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a policy says to one complete case.

    `months` is there only for an approval and `refer_to` only for a referral. `pathway` is the
    section under which the request was assessed, None where no section covers the diagnosis.
    """

    outcome: str
    basis: str | None
    pathway: str | None
    months: int | None
    refer_to: str | None


def _approve(pathway: str | None, months: int) -> Answer:
    return Answer("approve", "medically_necessary", pathway, months, None)


def _refer(pathway: str | None, refer_to: str) -> Answer:
    return Answer("refer", None, pathway, None, refer_to)


def _deny(pathway: str | None, basis: str) -> Answer:
    return Answer("deny", basis, pathway, None, None)


def decide(policy: str, version: str, facts: Facts, readings: Readings) -> Answer:
    """Decide a complete case that is free of contradictions.

    A reading left out of `readings` has its default. Raises KeyError for an unknown policy or a
    missing fact, ValueError for a version that the policy does not have.
    """
    if version not in VERSIONS[policy]:
        raise ValueError(f"policy {policy} has no version {version}")
    chosen = {**_DEFAULTS[policy], **readings}
    if policy == FEP:
        return _decide_fep(facts, chosen)
    return _decide_centene(facts, chosen, version=version)


def _partners(facts: Facts) -> Drugs:
    """Give the drugs taken with ixazomib, which itself may be listed or left out."""
    regimen: Drugs = facts["regimen"]
    return regimen - {"ixazomib"}


def _combined_with(partners: Drugs, listed: Iterable[Drugs], *, reading: str) -> bool:
    """Tell whether the partners are one of the listed sets, by the reading of those words."""
    if reading == "exactly":
        return any(partners == drugs for drugs in listed)
    return any(partners >= drugs for drugs in listed)


# --- FEP 5.21.071 ---------------------------------------------------------------------------

_DEXAMETHASONE: Drugs = frozenset({"dexamethasone"})
_OTHER_PROTEASOME_INHIBITORS: Drugs = PROTEASOME_INHIBITORS - {"ixazomib"}
_FEP_MONTHS = 12  # Prior-Approval Limits; Renewal Limits "same as above"


def _decide_fep(facts: Facts, readings: Readings) -> Answer:
    initial = facts["request"] == "initial"
    pathway = "Prior-Approval" if initial else "Renewal"
    # Policy: every indication but the one listed is investigational.
    if facts["diagnosis"] != "multiple_myeloma":
        return _deny(pathway, "investigational")
    partners = _partners(facts)
    adult = facts["age"] >= 18  # Age
    with_dexamethasone = _combined_with(  # Diagnosis 1.a
        partners, [_DEXAMETHASONE], reading=readings["in_combination_with"]
    )
    # First of "all of the following": a prior therapy, or at renewal the course of the disease.
    item_a = facts["prior_lines"] >= 1 if initial else _fep_going_well(facts, readings)
    no_dual_therapy = not partners & _OTHER_PROTEASOME_INHIBITORS  # the second of them
    if adult and with_dexamethasone and item_a and no_dual_therapy:
        return _approve(pathway, _FEP_MONTHS)
    return _deny(pathway, "not_medically_necessary")


def _fep_going_well(facts: Facts, readings: Readings) -> bool:
    """Decide item a of Renewal: no progression or unacceptable toxicity."""
    progression, toxicity = facts["progression"], facts["unacceptable_toxicity"]
    if readings["progression_or_toxicity"] == "not_both":
        return not (progression and toxicity)
    return not progression and not toxicity


# --- Centene CP.PHAR.302 --------------------------------------------------------------------

# The revision log: what each yearly review added or removed.
_DEXAMETHASONE_ALONE_REMOVED = "2023-08-01"  # from I.A.5, and single-agent use from I.B.4
_VENETOCLAX_ADDED = "2024-08-01"  # I.A.5.c, and I.B.4.c (cyclophosphamide)
_SUBSTITUTE_ADDED = "2025-08-01"  # I.A.5.d, and the refractory condition of I.A.5.b

_I_A_5_A: tuple[Drugs, ...] = (
    frozenset({"dexamethasone", "lenalidomide"}),
    frozenset({"dexamethasone", "cyclophosphamide"}),
)
_I_A_5_B_I: tuple[Drugs, ...] = (frozenset({"dexamethasone", "pomalidomide"}),)
_I_A_5_C: tuple[Drugs, ...] = (frozenset({"dexamethasone", "venetoclax"}),)
_I_B_4: tuple[Drugs, ...] = (
    frozenset({"dexamethasone"}),
    frozenset({"dexamethasone", "lenalidomide"}),
)
_I_B_4_C: tuple[Drugs, ...] = (frozenset({"dexamethasone", "cyclophosphamide"}),)
_I_C_4: tuple[Drugs, ...] = (frozenset({"dexamethasone", "rituximab"}),)

_LABELLED: Drugs = frozenset({"dexamethasone", "lenalidomide"})  # FDA Approved Indication(s)
_REFRACTORY_COUNTED: Drugs = ANTI_CD38 | {"lenalidomide"}  # I.A.5.b

# I.A.5.b.ii, under named_drugs_only: the examples given in the text.
_NAMED_PROTEASOME_INHIBITORS: Drugs = frozenset({"bortezomib", "carfilzomib"})
_NAMED_IMMUNOMODULATORS: Drugs = frozenset({"lenalidomide", "pomalidomide", "thalidomide"})

# Appendix B, row by row. Liposomal doxorubicin counts as doxorubicin, low-dose dexamethasone as
# dexamethasone, daratumumab with hyaluronidase as daratumumab.
_APPENDIX_B: tuple[Drugs, ...] = (
    frozenset({"bortezomib", "lenalidomide", "dexamethasone"}),
    frozenset({"bortezomib", "cyclophosphamide", "dexamethasone"}),
    frozenset({"bortezomib", "doxorubicin", "dexamethasone"}),
    frozenset({"carfilzomib", "lenalidomide", "dexamethasone"}),
    frozenset({"carfilzomib", "cyclophosphamide", "dexamethasone"}),
    frozenset({"bortezomib", "dexamethasone"}),
    frozenset({"bortezomib", "thalidomide", "dexamethasone"}),
    frozenset({"cyclophosphamide", "lenalidomide", "dexamethasone"}),
    frozenset({"lenalidomide", "dexamethasone"}),
    frozenset(
        {
            "dexamethasone",
            "thalidomide",
            "cisplatin",
            "doxorubicin",
            "cyclophosphamide",
            "etoposide",
            "bortezomib",
        }
    ),
    frozenset({"lenalidomide", "dexamethasone"}),
    frozenset({"daratumumab", "bortezomib", "melphalan", "prednisone"}),
    frozenset({"daratumumab", "lenalidomide", "dexamethasone"}),
    frozenset({"isatuximab", "bortezomib", "lenalidomide", "dexamethasone"}),
)

_SECTION_OF: dict[str, str] = {
    "multiple_myeloma": "I.A",
    "al_amyloidosis": "I.B",
    "waldenstrom_macroglobulinemia": "I.C",
    "lymphoplasmacytic_lymphoma": "I.C",
}

# I.D.1 and II.B.1, by line of business: (on the formulary, not on it).
_LABEL_CHANGE_POLICY: dict[str, tuple[str, str]] = {
    "commercial": ("CP.CPA.190", "CP.CPA.190"),
    "him": ("HIM.PA.33", "HIM.PA.103"),
    "medicaid": ("CP.PMN.255", "CP.PMN.16"),
}
# I.D.2 and II.B.2.
_OFF_LABEL_POLICY: dict[str, str] = {
    "commercial": "CP.CPA.09",
    "him": "HIM.PA.154",
    "medicaid": "CP.PMN.53",
}


@dataclass(frozen=True, slots=True)
class _Items:
    """Hold how the items of one section come out, by what an unmet one makes of the request.

    An unmet diagnosis, age, regimen or dose makes it another use; an item of `others` does not.
    """

    section: str | None
    diagnosis: bool
    age: bool
    regimen: bool
    dose: bool
    others: bool


def _decide_centene(facts: Facts, readings: Readings, *, version: str) -> Answer:
    initial = facts["request"] == "initial"
    items = _items(facts, readings, version=version)
    same_use = items.age and items.regimen and items.dose
    if items.diagnosis and same_use and items.others:
        return _approve(items.section, _months(facts, medicaid_or_him=6 if initial else 12))
    # I.D and II.B: is what was asked for another use than those of the section?
    other_use = not items.diagnosis or (readings["other_use"] == "all_four" and not same_use)
    if not other_use:
        return _deny(items.section, "not_medically_necessary")
    business = facts["line_of_business"]
    # I.D.1, II.B.1: the label has changed and the policy does not show it yet.
    if facts["label_changed_recently"]:
        formulary, non_formulary = _LABEL_CHANGE_POLICY[business]
        return _refer(items.section, formulary if facts["on_formulary"] else non_formulary)
    # III.A: indications that the policy does not address.
    if readings["unlisted_uses"] == "blocks" and not items.diagnosis:
        return _deny(items.section, "not_medically_necessary")
    # I.D.2, II.B.2.
    return _refer(items.section, _OFF_LABEL_POLICY[business])


def _months(facts: Facts, *, medicaid_or_him: int) -> int:
    """Give the approval duration of a section."""
    if facts["line_of_business"] == "commercial":
        return min(12, int(facts["requested_months"]))
    return medicaid_or_him


def _items(facts: Facts, readings: Readings, *, version: str) -> _Items:
    section = _SECTION_OF.get(facts["diagnosis"])
    if section is None:
        return _Items(None, diagnosis=False, age=True, regimen=True, dose=True, others=True)
    if facts["request"] == "continuation":
        return _continued_therapy(facts, readings, version=version)
    if section == "I.A":
        return _multiple_myeloma(facts, readings, version=version)
    if section == "I.B":
        return _amyloidosis(facts, readings, version=version)
    return _lymphoma(facts, readings)


# What several sections ask.


def _specialist(facts: Facts) -> bool:
    """Decide I.A.2, I.B.2 and I.C.2."""
    return facts["prescriber"] in ("oncologist", "hematologist") or facts["specialist_consulted"]


def _adult(facts: Facts) -> bool:
    """Decide I.A.3, I.B.3 and I.C.3."""
    return bool(facts["age"] >= 18)


def _within_dose_limit(facts: Facts) -> bool:
    """Decide I.A.6.a, II.A.3.a and the first half of I.B.5 and I.C.5.

    A cycle longer than 28 days keeps the limit as well.
    """
    return bool(
        facts["weekly_dose_mg"] <= 4 and facts["dosing_weeks"] <= 3 and facts["cycle_days"] >= 28
    )


def _evidence_counts(facts: Facts, readings: Readings) -> bool:
    """Decide I.A.6.b, II.A.3.b and the second half of I.B.5 and I.C.5."""
    if readings["dose_evidence"] == "off_label_only":
        labelled = facts["diagnosis"] == "multiple_myeloma" and _partners(facts) == _LABELLED
        return bool(facts["dose_evidence"] and not labelled)
    return bool(facts["dose_evidence"])


def _footnote(facts: Facts, readings: Readings, *, listed: bool) -> bool:
    """Decide the footnote of each section: an FDA-approved or NCCN-recommended regimen.

    A regimen that Section I lists is taken to be one.
    """
    return readings["regimen_footnote"] == "advice" or listed or facts["regimen_recommended"]


# I.A Multiple Myeloma.


def _multiple_myeloma(facts: Facts, readings: Readings, *, version: str) -> _Items:
    listed = _listed_for_myeloma(facts, readings, version=version)
    # I.A.5: listed above, or d, which names no partners.
    item_5 = listed or _substitute(facts, readings, version=version)
    return _Items(
        "I.A",
        diagnosis=True,  # I.A.1
        age=_adult(facts),  # I.A.3
        regimen=item_5 and _footnote(facts, readings, listed=listed),
        dose=_within_dose_limit(facts) or _evidence_counts(facts, readings),  # I.A.6
        others=_specialist(facts) and _prior_therapy(facts, readings, version=version),
    )


def _prior_therapy(facts: Facts, readings: Readings, *, version: str) -> bool:
    """Decide I.A.4, at least one prior therapy."""
    if (
        readings["primary_treatment_prior_therapy"] == "waived"
        and version >= _SUBSTITUTE_ADDED
        and _substitute_primary_arm(facts, readings)
    ):
        return True
    if facts["prior_lines"] < 1:
        return False
    if readings["appendix_b"] == "exhaustive":
        return any(facts["prior_drugs"] >= row for row in _APPENDIX_B)
    return True


def _listed_for_myeloma(facts: Facts, readings: Readings, *, version: str) -> bool:
    """Decide I.A.5 but for its item d."""
    partners, reading = _partners(facts), readings["in_combination_with"]
    # a. Dexamethasone with lenalidomide or cyclophosphamide.
    if _combined_with(partners, _I_A_5_A, reading=reading):
        return True
    # b. Dexamethasone with pomalidomide, on conditions.
    if _combined_with(partners, _I_A_5_B_I, reading=reading) and _after_two_lines(
        facts, readings, version=version
    ):
        return True
    # c. Dexamethasone with venetoclax, t(11;14) present.
    if (
        version >= _VENETOCLAX_ADDED
        and facts["t_11_14"]
        and _combined_with(partners, _I_A_5_C, reading=reading)
    ):
        return True
    # Until 2023: dexamethasone alone. "Alone" closes the list under either reading.
    return version < _DEXAMETHASONE_ALONE_REMOVED and partners == _DEXAMETHASONE


def _after_two_lines(facts: Facts, readings: Readings, *, version: str) -> bool:
    """Decide I.A.5.b but for the combination (i)."""
    prior: Drugs = facts["prior_drugs"]
    if readings["class_examples"] == "named_drugs_only":
        immunomodulators = _NAMED_IMMUNOMODULATORS
        proteasome_inhibitors = _NAMED_PROTEASOME_INHIBITORS
    else:
        immunomodulators, proteasome_inhibitors = IMMUNOMODULATORS, PROTEASOME_INHIBITORS
    item_ii = (
        facts["prior_lines"] >= 2
        and bool(prior & immunomodulators)
        and bool(prior & proteasome_inhibitors)
    )
    item_iii = facts["days_to_progression"] <= 60
    refractory = version < _SUBSTITUTE_ADDED or bool(facts["refractory_to"] & _REFRACTORY_COUNTED)
    return refractory and item_ii and item_iii


def _substitute(facts: Facts, readings: Readings, *, version: str) -> bool:
    """Decide I.A.5.d, in place of bortezomib or carfilzomib."""
    if version < _SUBSTITUTE_ADDED:
        return False
    return _substitute_primary_arm(facts, readings) or _substitute_relapse_arm(facts, readings)


def _substitute_primary_arm(facts: Facts, readings: Readings) -> bool:
    if facts["treatment_setting"] != "primary":
        return False
    return readings["substitute_conditions"] == "relapse_arm_only" or _substitute_needed(facts)


def _substitute_relapse_arm(facts: Facts, readings: Readings) -> bool:
    months = facts["months_since_induction"]
    late = months > 6 if readings["after_six_months"] == "more_than_six" else months >= 6
    return bool(
        facts["disease_state"] == "relapsed"
        and late
        and facts["same_regimen_as_induction"]
        and _substitute_needed(facts)
    )


def _substitute_needed(facts: Facts) -> bool:
    """Decide the qualifiers of I.A.5.d: no transplant, and a reason against the other drugs."""
    return not facts["transplant_candidate"] and facts["substitution_reason"] != "none"


# I.B Systemic Light Chain Amyloidosis.


def _amyloidosis(facts: Facts, readings: Readings, *, version: str) -> _Items:
    listed = _listed_for_amyloidosis(facts, readings, version=version)  # I.B.4
    return _Items(
        "I.B",
        diagnosis=_relapsed_or_refractory(facts),  # I.B.1
        age=_adult(facts),  # I.B.3
        regimen=listed and _footnote(facts, readings, listed=listed),
        dose=_within_dose_limit(facts) or _evidence_counts(facts, readings),  # I.B.5
        others=_specialist(facts),  # I.B.2
    )


def _relapsed_or_refractory(facts: Facts) -> bool:
    return facts["disease_state"] in ("relapsed", "refractory")


def _listed_for_amyloidosis(facts: Facts, readings: Readings, *, version: str) -> bool:
    """Decide I.B.4."""
    partners, reading = _partners(facts), readings["in_combination_with"]
    # a. Dexamethasone. b. With lenalidomide.
    if _combined_with(partners, _I_B_4, reading=reading):
        return True
    # c. With cyclophosphamide.
    if version >= _VENETOCLAX_ADDED and _combined_with(partners, _I_B_4_C, reading=reading):
        return True
    # Until 2023: as a single agent, under either reading.
    return version < _DEXAMETHASONE_ALONE_REMOVED and not partners


# I.C Waldenstrom Macroglobulinemia/Lymphoplasmacytic Lymphoma.


def _lymphoma(facts: Facts, readings: Readings) -> _Items:
    listed = _listed_for_lymphoma(facts, readings)  # I.C.4
    return _Items(
        "I.C",
        diagnosis=_covered_lymphoma(facts, readings),  # I.C.1
        age=_adult(facts),  # I.C.3
        regimen=listed and _footnote(facts, readings, listed=listed),
        dose=_within_dose_limit(facts) or _evidence_counts(facts, readings),  # I.C.5
        others=_specialist(facts),  # I.C.2
    )


def _covered_lymphoma(facts: Facts, readings: Readings) -> bool:
    if facts["diagnosis"] == "waldenstrom_macroglobulinemia":
        return True
    return readings["lymphoma_without_igm"] == "included"


def _listed_for_lymphoma(facts: Facts, readings: Readings) -> bool:
    """Decide I.C.4."""
    return _combined_with(_partners(facts), _I_C_4, reading=readings["in_combination_with"])


# II.A All Indications in Section I.


def _continued_therapy(facts: Facts, readings: Readings, *, version: str) -> _Items:
    dose_increase = facts["dose_increase"]
    # The footnote hangs on item 3, which speaks of a dose increase.
    binds = dose_increase or readings["renewal_footnote"] == "every_renewal"
    return _Items(
        "II.A",
        diagnosis=_continued_indication(facts, readings),
        age=True,  # not asked
        regimen=not binds
        or _footnote(facts, readings, listed=_listed_combination(facts, readings, version=version)),
        dose=not dose_increase  # II.A.3
        or _within_dose_limit(facts)
        or _evidence_counts(facts, readings),
        others=_receiving(facts, readings) and _responding(facts, readings),  # II.A.1 and 2
    )


def _continued_indication(facts: Facts, readings: Readings) -> bool:
    """Decide whether the diagnosis is one of the indications of Section I."""
    diagnosis = facts["diagnosis"]
    if diagnosis == "multiple_myeloma":
        return True
    if diagnosis == "al_amyloidosis":
        return readings["continued_indication"] == "titles" or _relapsed_or_refractory(facts)
    return _covered_lymphoma(facts, readings)


def _receiving(facts: Facts, readings: Readings) -> bool:
    """Decide II.A.1."""
    if not facts["currently_receiving"]:
        return False
    paid, covered = facts["paid_by_plan"], facts["covered_indication"]
    long_enough = facts["days_on_drug"] >= 30
    if readings["thirty_days"] == "both_arms":
        return bool((paid or covered) and long_enough)
    return bool(paid or (covered and long_enough))


def _responding(facts: Facts, readings: Readings) -> bool:
    """Decide II.A.2."""
    if readings["stable_disease"] == "responding" and facts["response"] == "stable":
        return True
    return bool(facts["responding"])


def _listed_combination(facts: Facts, readings: Readings, *, version: str) -> bool:
    """Tell whether Section I lists these partners for the diagnosis, other conditions aside."""
    if facts["diagnosis"] == "al_amyloidosis":
        return _listed_for_amyloidosis(facts, readings, version=version)
    if facts["diagnosis"] != "multiple_myeloma":
        return _listed_for_lymphoma(facts, readings)
    partners, reading = _partners(facts), readings["in_combination_with"]
    if _combined_with(partners, _I_A_5_A + _I_A_5_B_I, reading=reading):
        return True
    if version >= _VENETOCLAX_ADDED and facts["t_11_14"]:
        return _combined_with(partners, _I_A_5_C, reading=reading)
    return version < _DEXAMETHASONE_ALONE_REMOVED and partners == _DEXAMETHASONE


# --- Partial cases: every completion --------------------------------------------------------


class TooManyCompletionsError(Exception):
    """Say that a partial case has more completions than may be gone through."""

    def __init__(self, count: int, limit: int) -> None:
        """Keep how many there are, and how many may be."""
        super().__init__(f"{count} completions, more than the limit of {limit}")
        self.count = count
        self.limit = limit


# The facts that `contradictions` looks at.
_CONTRADICTION_FACTS: tuple[str, ...] = (
    "line_of_business",
    "treatment_setting",
    "prior_lines",
    "prior_drugs",
    "refractory_to",
    "progression",
    "responding",
    "response",
)

_DOSE_FACTS: frozenset[str] = frozenset(
    {"weekly_dose_mg", "dosing_weeks", "cycle_days", "dose_evidence"}
)
_INITIAL_FACTS: frozenset[str] = _DOSE_FACTS | {
    "age",
    "prescriber",
    "specialist_consulted",
    "regimen",
    "regimen_recommended",
}

# The facts that `decide` looks at, by policy and section, once request, diagnosis and line of
# business are fixed. A fact too many costs time; one too few is a KeyError in `decide`.
_LOOKED_AT: dict[str, frozenset[str]] = {
    "Prior-Approval": frozenset({"age", "regimen", "prior_lines"}),
    "Renewal": frozenset({"age", "regimen", "progression", "unacceptable_toxicity"}),
    "I.A": _INITIAL_FACTS
    | {
        "prior_lines",
        "prior_drugs",
        "refractory_to",
        "days_to_progression",
        "t_11_14",
        "treatment_setting",
        "disease_state",
        "months_since_induction",
        "same_regimen_as_induction",
        "transplant_candidate",
        "substitution_reason",
    },
    "I.B": _INITIAL_FACTS | {"disease_state"},
    "I.C": _INITIAL_FACTS,
    "II.A": _DOSE_FACTS
    | {
        "regimen",
        "regimen_recommended",
        "t_11_14",
        "disease_state",
        "currently_receiving",
        "paid_by_plan",
        "covered_indication",
        "days_on_drug",
        "responding",
        "response",
        "dose_increase",
    },
}

# The partners that a rule of the policy names. All others count alike: as some further drug,
# which breaks "exactly" and nothing else.
_NAMED_PARTNERS: dict[str, Drugs] = {
    FEP: _DEXAMETHASONE | _OTHER_PROTEASOME_INHIBITORS,
    CENTENE: frozenset[str]().union(
        *_I_A_5_A, *_I_A_5_B_I, *_I_A_5_C, *_I_B_4, *_I_B_4_C, *_I_C_4, _LABELLED
    ),
}


@dataclass(frozen=True, slots=True)
class _Branch:
    """Hold the completions of a case for one request, diagnosis and line of business."""

    settled: dict[str, str]
    looked_at: dict[str, tuple[Any, ...]]
    only_contradicting: dict[str, tuple[Any, ...]]

    def size(self) -> int:
        both = (*self.looked_at.values(), *self.only_contradicting.values())
        return math.prod(len(values) for values in both)


def possible_answers(
    policy: str, version: str, known: Known, readings: Readings, limit: int = 200_000
) -> set[Answer]:
    """Collect the answers to every completion of a partial case that is free of contradictions.

    In `known` a fact left out or None is unknown; a list is a whole set and `{"includes",
    "excludes"}` part of one; a number may be `{"at_least", "at_most"}` and a choice
    `{"one_of"}`. The result is empty if every completion is a contradiction.

    A fact that neither the decision nor a contradiction looks at is not completed. A fact that
    only a contradiction looks at does not change an answer: it suffices that some value of it is
    free of contradictions. Raises TooManyCompletionsError if more than `limit` completions are left, ValueError
    for a fact that does not exist.
    """
    branches = _branches(policy, known, readings)
    count = sum(branch.size() for branch in branches)
    if count > limit:
        raise TooManyCompletionsError(count, limit)
    answers: set[Answer] = set()
    for branch in branches:
        possible = _possibility(policy, branch)
        for values in itertools.product(*branch.looked_at.values()):
            facts = {**branch.settled, **dict(zip(branch.looked_at, values, strict=True))}
            if possible(facts):
                answers.add(decide(policy, version, facts, readings))
    return answers


def determination(
    policy: str, version: str, known: Known, readings: Readings, limit: int = 200_000
) -> tuple[str, set[Answer]]:
    """Determine a partial case: the outcome that all its answers share, or else `pend`."""
    answers = possible_answers(policy, version, known, readings, limit)
    outcomes = {answer.outcome for answer in answers}
    return (outcomes.pop() if len(outcomes) == 1 else "pend"), answers


def _possibility(policy: str, branch: _Branch) -> Callable[[Facts], bool]:
    """Give a test whether the facts looked at leave a way to be free of contradictions."""
    constrained = [name for name in _CONTRADICTION_FACTS if name in branch.looked_at]
    rest = branch.only_contradicting
    found: dict[tuple[Any, ...], bool] = {}

    def possible(facts: Facts) -> bool:
        key = tuple(facts[name] for name in constrained)
        if key not in found:
            found[key] = any(
                not contradictions(policy, {**facts, **dict(zip(rest, values, strict=True))})
                for values in itertools.product(*rest.values())
            )
        return found[key]

    return possible


def _branches(policy: str, known: Known, readings: Readings) -> list[_Branch]:
    """Lay out the completions of a partial case.

    Request, diagnosis and line of business come first, because they settle the section and with
    it what is looked at.
    """
    unknown_names = set(known) - set(FACTS)
    if unknown_names:
        raise ValueError(f"no such facts: {sorted(unknown_names)}")
    plain = {name: _values(name, known.get(name)) for name in FACTS if name not in SETS}
    regimens = _regimens(policy, known.get("regimen"))
    histories: dict[str | None, dict[str, tuple[Drugs, ...]]] = {}
    found = []
    for request, diagnosis, business in itertools.product(
        plain["request"], plain["diagnosis"], plain["line_of_business"]
    ):
        section = _section(policy, request=request, diagnosis=diagnosis)
        names = _facts_looked_at(policy, section, line_of_business=business)
        if section not in histories:
            histories[section] = _drug_histories(known, readings, section=section)
        possible = {**plain, **histories[section], "regimen": regimens}
        settled = {"request": request, "diagnosis": diagnosis, "line_of_business": business}
        looked_at = {name: possible[name] for name in FACTS if name in names}
        rest = {
            name: possible[name]
            for name in _CONTRADICTION_FACTS
            if name not in names and name not in settled
        }
        found.append(_Branch(settled, looked_at, rest))
    return found


def _section(policy: str, *, request: str, diagnosis: str) -> str | None:
    """Give the section whose items are looked at, None if the diagnosis alone decides."""
    if policy == FEP:
        if diagnosis != "multiple_myeloma":
            return None
        return "Prior-Approval" if request == "initial" else "Renewal"
    if request == "continuation" and diagnosis in _SECTION_OF:
        return "II.A"
    return _SECTION_OF.get(diagnosis)


def _facts_looked_at(policy: str, section: str | None, *, line_of_business: str) -> frozenset[str]:
    names = frozenset[str]() if section is None else _LOOKED_AT[section]
    if policy == FEP:
        return names
    names |= {"label_changed_recently", "on_formulary"}
    return names | {"requested_months"} if line_of_business == "commercial" else names


def _values(name: str, known: object) -> tuple[Any, ...]:
    """List the values that a fact other than a set may have, as far as it is known.

    Of a number, those that stand for all others: the ends of the known interval, each threshold
    in it, and the values next to a threshold on either side.
    """
    if name in NUMBERS:
        low, high = _interval(name, known)
        scale = NUMBERS[name]
        cuts = {cut + move for cut in scale.thresholds for move in (-scale.step, 0, scale.step)}
        return tuple(sorted(cut for cut in cuts | {low, high} if low <= cut <= high))
    if isinstance(known, Mapping):
        return tuple(known["one_of"])
    if known is not None:
        return (known,)
    return CHOICES.get(name, (False, True))


def _interval(name: str, known: object) -> tuple[Number, Number]:
    scale = NUMBERS[name]
    if known is None:
        return scale.low, scale.high
    if not isinstance(known, Mapping):
        value = _number(name, known)
        return value, value
    low, high = known.get("at_least"), known.get("at_most")
    return (
        scale.low if low is None else max(scale.low, _number(name, low)),
        scale.high if high is None else min(scale.high, _number(name, high)),
    )


def _number(name: str, value: object) -> Number:
    """Turn a JSON number into an exact one."""
    exact = Decimal(str(value))
    return exact if isinstance(NUMBERS[name].step, Decimal) else int(exact)


def _members(known: object) -> tuple[Drugs, Drugs]:
    """Split a set fact: the drugs that are in it, and those that may be either way."""
    if known is None:
        return frozenset(), frozenset(DRUGS)
    if isinstance(known, Mapping):
        inside = frozenset(known.get("includes") or ())
        return inside, frozenset(DRUGS) - inside - frozenset(known.get("excludes") or ())
    if not isinstance(known, Iterable):
        raise TypeError("a set fact is a list, or a mapping of includes and excludes")
    return frozenset(known), frozenset()


def _subsets(drugs: Drugs) -> list[Drugs]:
    ordered = sorted(drugs)
    return [
        frozenset(itertools.compress(ordered, kept))
        for kept in itertools.product((False, True), repeat=len(ordered))
    ]


def _regimens(policy: str, known: object) -> tuple[Drugs, ...]:
    """List the regimens that a partly known one may be.

    A drug that no rule names is as good as any other such drug, and one is as good as several:
    it is tried with none and with one of them. Ixazomib itself is never looked at.
    """
    inside, either_way = _members(known)
    named = _NAMED_PARTNERS[policy]
    further = either_way - named - {"ixazomib"}
    one_further = [frozenset[str](), frozenset(sorted(further)[:1])] if further else [frozenset()]
    return tuple(
        inside | subset | extra for subset in _subsets(either_way & named) for extra in one_further
    )


def _drug_histories(
    known: Known, readings: Readings, *, section: str | None
) -> dict[str, tuple[Drugs, ...]]:
    """List what the drugs given before, and those the disease is refractory to, may be.

    Fewer drugs given and fewer drugs refractory never bring a contradiction about, except that a
    refractory drug must have been given. So an unknown drug that the section does not look at is
    left out, and one that the disease is known to be refractory to is taken as given.
    """
    given, maybe_given = _members(known.get("prior_drugs"))
    refractory, maybe_refractory = _members(known.get("refractory_to"))
    given |= refractory & maybe_given
    looked_at = frozenset[str]()
    if section == "I.A":
        maybe_refractory &= _REFRACTORY_COUNTED
        looked_at = PROTEASOME_INHIBITORS | IMMUNOMODULATORS | maybe_refractory
        if readings.get("appendix_b") == "exhaustive":
            looked_at = looked_at.union(*_APPENDIX_B)
    else:
        maybe_refractory = frozenset()
    return {
        "prior_drugs": tuple(
            given | subset for subset in _subsets((maybe_given - given) & looked_at)
        ),
        "refractory_to": tuple(refractory | subset for subset in _subsets(maybe_refractory)),
    }


def complete_facts(known: Known) -> dict[str, Any]:
    """Turn a complete case from its JSON form into what `decide` takes.

    Raises ValueError if a fact is unknown or known in part only.
    """
    facts: dict[str, Any] = {}
    for name in FACTS:
        value = known.get(name)
        if value is None or isinstance(value, Mapping):
            raise ValueError(f"fact {name} is not known")
        if name in SETS:
            facts[name] = _members(value)[0]
        elif name in NUMBERS:
            facts[name] = _number(name, value)
        else:
            facts[name] = value
    return facts


# --- Random cases ---------------------------------------------------------------------------

_START: dict[str, object] = {
    "request": "initial",
    "line_of_business": "medicaid",
    "age": 67,
    "diagnosis": "multiple_myeloma",
    "disease_state": "relapsed",
    "treatment_setting": "subsequent",
    "regimen": ["ixazomib", "lenalidomide", "dexamethasone"],
    "prescriber": "oncologist",
    "specialist_consulted": False,
    "prior_lines": 1,
    "prior_drugs": ["bortezomib", "dexamethasone", "cyclophosphamide"],
    "refractory_to": [],
    "days_to_progression": 200,
    "t_11_14": False,
    "transplant_candidate": False,
    "substitution_reason": "none",
    "months_since_induction": 24,
    "same_regimen_as_induction": False,
    "weekly_dose_mg": 4,
    "dosing_weeks": 3,
    "cycle_days": 28,
    "dose_evidence": False,
    "regimen_recommended": False,
    "requested_months": 12,
    "on_formulary": True,
    "label_changed_recently": False,
    "currently_receiving": False,
    "paid_by_plan": False,
    "covered_indication": False,
    "days_on_drug": 0,
    "responding": False,
    "response": "partial",
    "progression": False,
    "unacceptable_toxicity": False,
    "dose_increase": False,
}

_RENEWAL: dict[str, object] = {
    "request": "continuation",
    "currently_receiving": True,
    "paid_by_plan": True,
    "covered_indication": True,
    "days_on_drug": 90,
    "responding": True,
}
_AMYLOIDOSIS: dict[str, object] = {"diagnosis": "al_amyloidosis"}
_WALDENSTROM: dict[str, object] = {
    "diagnosis": "waldenstrom_macroglobulinemia",
    "regimen": ["ixazomib", "dexamethasone", "rituximab"],
}
_AFTER_TWO_LINES: dict[str, object] = {
    "regimen": ["ixazomib", "pomalidomide", "dexamethasone"],
    "disease_state": "refractory",
    "prior_lines": 2,
    "prior_drugs": ["bortezomib", "lenalidomide", "daratumumab", "dexamethasone"],
    "refractory_to": ["lenalidomide"],
    "days_to_progression": 45,
}
_SUBSTITUTE: dict[str, object] = {
    "regimen": ["ixazomib", "dexamethasone"],
    "substitution_reason": "intolerance",
    "regimen_recommended": True,
}
_PRIMARY: dict[str, object] = {
    "treatment_setting": "primary",
    "disease_state": "newly_diagnosed",
    "prior_lines": 0,
    "prior_drugs": [],
}
_OTHER_DIAGNOSIS: dict[str, object] = {"diagnosis": "other"}

# What differs from the start in an approved case of each pathway and arm, and in a referred one.
_TEMPLATES: dict[str, tuple[dict[str, object], ...]] = {
    FEP: (
        {},
        {"regimen": ["ixazomib", "dexamethasone"]},
        {"regimen": ["dexamethasone", "cyclophosphamide"], "treatment_setting": "maintenance"},
        _RENEWAL,
        _RENEWAL | {"regimen": ["ixazomib", "dexamethasone"]},
        _RENEWAL | {"progression": True, "responding": False, "response": "progressive"},
        _RENEWAL | {"unacceptable_toxicity": True},
        _OTHER_DIAGNOSIS,
    ),
    CENTENE: (
        {},  # I.A.5.a
        {"regimen": ["dexamethasone", "cyclophosphamide"]},
        _AFTER_TWO_LINES,  # I.A.5.b
        _AFTER_TWO_LINES
        | {"prior_drugs": ["ixazomib", "pomalidomide", "isatuximab"], "refractory_to": []},
        _AFTER_TWO_LINES
        | {
            "prior_drugs": ["ixazomib", "thalidomide", "isatuximab", "dexamethasone"],
            "refractory_to": ["isatuximab"],
        },
        {  # I.A.5.c
            "regimen": ["ixazomib", "venetoclax", "dexamethasone"],
            "t_11_14": True,
        },
        _SUBSTITUTE | _PRIMARY,  # I.A.5.d, its primary arm
        _SUBSTITUTE | _PRIMARY | {"transplant_candidate": True},
        _SUBSTITUTE | _PRIMARY | {"substitution_reason": "none"},
        _SUBSTITUTE  # I.A.5.d, its relapse arm
        | {"months_since_induction": 6, "same_regimen_as_induction": True},
        {"regimen": ["ixazomib", "dexamethasone"]},  # I.A.5 until 2023
        _AMYLOIDOSIS | {"regimen": ["ixazomib", "dexamethasone"]},  # I.B.4.a
        _AMYLOIDOSIS | {"disease_state": "refractory"},  # I.B.4.b
        _AMYLOIDOSIS | {"regimen": ["dexamethasone", "cyclophosphamide"]},  # I.B.4.c
        _AMYLOIDOSIS | {"regimen": ["ixazomib"]},  # I.B.4 until 2023
        _WALDENSTROM,  # I.C
        _WALDENSTROM | {"diagnosis": "lymphoplasmacytic_lymphoma"},
        _RENEWAL,  # II.A
        _RENEWAL | {"days_on_drug": 30, "paid_by_plan": False},
        _RENEWAL | {"days_on_drug": 29},
        _RENEWAL | {"responding": False, "response": "stable"},
        _RENEWAL | {"dose_increase": True},
        _RENEWAL | {"dose_increase": True, "weekly_dose_mg": 5.5, "dose_evidence": True},
        _RENEWAL | _AMYLOIDOSIS | {"dose_increase": True, "disease_state": "remission"},
        _RENEWAL | {"regimen": ["dexamethasone", "venetoclax"], "t_11_14": True},
        _RENEWAL | {"regimen": ["dexamethasone"], "dose_increase": True},
        _RENEWAL | _WALDENSTROM,
        _RENEWAL
        | _WALDENSTROM
        | {"diagnosis": "lymphoplasmacytic_lymphoma", "dose_increase": True},
        _OTHER_DIAGNOSIS,  # I.D and II.B
        _OTHER_DIAGNOSIS | {"request": "continuation"},
        _OTHER_DIAGNOSIS | {"label_changed_recently": True},
    ),
}

# Changes that meet or miss an item in another way, laid over any template.
_TWISTS: tuple[dict[str, object], ...] = (
    {"weekly_dose_mg": 4.1},
    {"weekly_dose_mg": 4.5, "dose_evidence": True},
    {"cycle_days": 21, "dose_evidence": True},
    {"dosing_weeks": 4, "dose_evidence": True},
    {"prescriber": "other"},
    {"prescriber": "other", "specialist_consulted": True},
    {"age": 17},
    {"age": 18},
    {"regimen_recommended": True},
    {"label_changed_recently": True},
    {"label_changed_recently": True, "age": 17},
    {"label_changed_recently": True, "on_formulary": False, "weekly_dose_mg": 8},
    {"disease_state": "newly_diagnosed"},
    {"dose_increase": True},
)


def random_readings(rng: random.Random, policy: str) -> dict[str, str]:
    """Draw readings: half the time the defaults, else one to three that differ from them.

    Every reading of the policy is in the result.
    """
    readings = dict(_DEFAULTS[policy])
    if rng.random() < 0.5:
        return readings
    for name in rng.sample(sorted(readings), rng.randint(1, min(3, len(readings)))):
        readings[name] = rng.choice(READINGS[policy][name][1:])
    return readings


def random_case(
    rng: random.Random, policy: str, *, complete: bool, free_budget: int
) -> dict[str, object]:
    """Draw the facts of a case in the JSON form, as `possible_answers` takes them.

    Most are near an approved or referred case, a few wholly random; about one in forty holds a
    contradiction. A partial case (`complete` false) has at most `free_budget` completions that
    matter under the readings that look at most drugs in half of the draws, and under the default
    ones in the other half.
    """
    case = _random_complete(rng, policy)
    if complete:
        return case
    readings = {"appendix_b": rng.choice(("illustrative", "exhaustive"))}
    share = rng.choice((0.05, 0.15, 0.35, 0.7, 1.0))
    for name in rng.sample(sorted(case), len(case)):
        if rng.random() >= share:
            continue
        looser = {**case, name: loosened(rng, name, case[name])}
        if sum(branch.size() for branch in _branches(policy, looser, readings)) <= free_budget:
            case = looser
    return {name: value for name, value in case.items() if value is not None or rng.random() < 0.3}


def _random_complete(rng: random.Random, policy: str) -> dict[str, object]:
    """Draw complete cases until one is free of contradictions, or now and then take any."""
    take_any = rng.random() < 0.2
    while True:
        case = _START | {"line_of_business": _random_value(rng, "line_of_business", policy=policy)}
        if rng.random() < 0.08:
            case = {name: _random_value(rng, name, policy=policy) for name in _START}
        else:
            case |= rng.choice(_TEMPLATES[policy])
            case["requested_months"] = _random_value(rng, "requested_months", policy=policy)
            if rng.random() < 0.4:
                case |= rng.choice(_TWISTS)
            for name in rng.sample(sorted(case), rng.choice((0, 0, 1, 1, 2, 3, 4))):
                case[name] = changed(rng, name, case[name], policy=policy)
        if take_any or not contradictions(policy, complete_facts(case)):
            return case


def changed(rng: random.Random, name: str, value: object, *, policy: str) -> object:
    """Give another value to a fact: of a set, often with one drug more or less."""
    if name in SETS and rng.random() < 0.7:
        drugs = _members(value)[0]
        return _listed(drugs ^ {rng.choice(DRUGS)})
    return _random_value(rng, name, policy=policy)


def _random_value(rng: random.Random, name: str, *, policy: str) -> object:
    """Draw the value of a fact."""
    if name in NUMBERS:
        return _random_number(rng, name)
    if name in SETS:
        return _listed(_random_drugs(rng, name))
    if name == "line_of_business" and policy == CENTENE and rng.random() < 0.97:
        return rng.choice(("commercial", "him", "medicaid"))
    return rng.choice(CHOICES.get(name, (False, True)))


def _random_number(rng: random.Random, name: str) -> int | float:
    """Draw a number, mostly one about a threshold."""
    if rng.random() < 0.8:
        return _json_number(rng.choice(_values(name, None)))
    scale = NUMBERS[name]
    steps = rng.randint(0, int((scale.high - scale.low) / scale.step))
    return _json_number(scale.low + steps * scale.step)


def _random_drugs(rng: random.Random, name: str) -> Iterable[str]:
    """Draw drugs, mostly a combination that a section or an appendix lists."""
    if name == "regimen" and rng.random() < 0.8:
        listed = rng.choice((*_I_A_5_A, *_I_A_5_B_I, *_I_A_5_C, *_I_B_4, *_I_C_4))
        return listed | rng.choice((frozenset(), frozenset({"ixazomib"})))
    if name == "prior_drugs" and rng.random() < 0.6:
        return rng.choice(_APPENDIX_B)
    return rng.sample(DRUGS, rng.choice((0, 0, 1, 1, 2, 3, 6)))


def loosened(rng: random.Random, name: str, value: object) -> object:
    """Make a known fact unknown, or known in part so that its value is still possible."""
    if name in BOOLEANS or rng.random() < 0.4:
        return None
    if name in CHOICES:
        others = [choice for choice in CHOICES[name] if choice != value]
        also_possible = rng.sample(others, rng.randint(1, min(3, len(others))))
        return {"one_of": sorted([str(value), *also_possible])}
    if name in NUMBERS:
        exact = _number(name, value)
        below = [cut for cut in _values(name, None) if cut <= exact]
        above = [cut for cut in _values(name, None) if cut >= exact]
        bounds = {
            "at_least": _json_number(rng.choice([*below, exact])),
            "at_most": _json_number(rng.choice([*above, exact])),
        }
        for dropped in rng.choice(([], ["at_least"], ["at_most"])):
            del bounds[dropped]
        return bounds
    inside = _members(value)[0]
    either_way = set(rng.sample(DRUGS, rng.choice((1, 2, 3, 5, 8, 14))))
    return {
        "includes": _listed(inside - either_way),
        "excludes": _listed(set(DRUGS) - inside - either_way),
    }


def _listed(drugs: Iterable[str]) -> list[str]:
    return sorted(drugs, key=DRUGS.index)


def _json_number(value: Number) -> int | float:
    """Turn an exact number into a JSON one, whole if it can be."""
    return int(value) if value == int(value) else float(value)
