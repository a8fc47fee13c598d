"""Every figure of the sources, by hand from their text: each is stated once for each place it stands in."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

import pytest

from engine.loading import load_packaged
from engine.program import Atom
from engine.references import Reference, statements

ALLIANCE, IFM, PIVOTAL = "Alliance A061202", "IFM 2014-01", "Pivotal phase 3 trial"
LABEL, LIVERTOX, EFFICACY = "Ninlaro label", "LiverTox Ixazomib", "Ninlaro Efficacy"
TRIALS = (ALLIANCE, IFM, PIVOTAL, "Maintenance trials")

ONCLIVE = "OncLive, December 15, 2025, "
SECOND, THIRD = ONCLIVE + "key takeaway 2", ONCLIVE + "key takeaway 3"
PARAGRAPHS = {number: f"{ONCLIVE}oral therapies, paragraph {number}" for number in range(1, 9)}
OUTCOMES = "Ninlaro Efficacy, Common outcomes like response rate and progression"
CONTEXT = "Ninlaro Efficacy, Putting study endpoints into patient centered context"

Figure: TypeAlias = tuple[str, str, str, str, str, str, str, str]
"""Place, trial, whose, in whom or when, outcome with grade, statistic, figure, interval."""
BOTH, IPD, PD = "triplet to doublet", "triplet", "doublet"

# In the order of the texts. NE: not estimable.
FIGURES: list[Figure] = [
    (SECOND, ALLIANCE, BOTH, "", "PFS", "HR", "0.437", ""),
    (THIRD, IFM, IPD, "high_risk_cytogenetics", "TTP", "median", "10.5 months", "95: 7.9 to NE"),
    (THIRD, IFM, IPD, "high_risk_cytogenetics", "OS", "median", "NE", "95: 27.1 to NE"),
    (PARAGRAPHS[3], ALLIANCE, IPD, "", "PFS", "median", "20.3 months", ""),
    (PARAGRAPHS[3], ALLIANCE, PD, "", "PFS", "median", "7.5 months", ""),
    (PARAGRAPHS[3], ALLIANCE, BOTH, "", "PFS", "HR", "0.437", ""),
    (PARAGRAPHS[3], ALLIANCE, IPD, "2 years", "OS", "rate", "78.6 %", "95: 66.2 to 92.8"),
    (PARAGRAPHS[3], ALLIANCE, PD, "2 years", "OS", "rate", "79.5 %", "95: 67.8 to 93.2"),
    (PARAGRAPHS[3], ALLIANCE, BOTH, "", "OS", "HR", "0.774", "95: 0.33 to 1.80"),
    (PARAGRAPHS[3], ALLIANCE, IPD, "", "ORR", "rate", "63.2 %", ""),
    (PARAGRAPHS[3], ALLIANCE, PD, "", "ORR", "rate", "43.6 %", ""),
    (PARAGRAPHS[4], ALLIANCE, BOTH, "high_risk", "PFS", "reduction", "> 48 %", ""),
    (PARAGRAPHS[4], ALLIANCE, BOTH, "high_risk", "PFS", "HR", "0.417", "95: 0.17 to 1.06"),
    (PARAGRAPHS[4], ALLIANCE, BOTH, "standard_risk", "PFS", "HR", "0.45", "95: 0.21 to 0.99"),
    (PARAGRAPHS[5], ALLIANCE, IPD, "", "neutropenia 3", "rate", "31.6 %", ""),
    (PARAGRAPHS[5], ALLIANCE, PD, "", "neutropenia 3", "rate", "15.4 %", ""),
    (PARAGRAPHS[5], ALLIANCE, IPD, "", "neutropenia 4", "rate", "5.3 %", ""),
    (PARAGRAPHS[5], ALLIANCE, PD, "", "neutropenia 4", "rate", "2.6 %", ""),
    (PARAGRAPHS[7], IFM, IPD, "high_risk_cytogenetics", "TTP", "median", "10.5 months", "95: 7.9 to NE"),
    (PARAGRAPHS[7], IFM, IPD, "high_risk_cytogenetics", "OS", "median", "NE", "95: 27.1 to NE"),
    (OUTCOMES, PIVOTAL, "triplet", "", "ORR", "rate", "> 70 %", ""),
    (CONTEXT, PIVOTAL, "triplet", "", "ORR", "rate", "> 70 %", ""),
    ("Hepatotoxicity", LIVERTOX, "", "", "aminotransferase_elevation", "rate", "about 10 %", ""),
    ("Hepatotoxicity", LIVERTOX, "", "", "aminotransferase_elevation", "rate", "< 1 %", ""),
]  # fmt: skip
PATIENTS = {(ALLIANCE, "triplet"): 38, (ALLIANCE, "doublet"): 39, (IFM, "triplet"): 26}

SHORT = {
    "progression_free_survival": "PFS",
    "overall_survival": "OS",
    "overall_response_rate": "ORR",
    "time_to_progression": "TTP",
    "hazard_ratio": "HR",
    "risk_reduction": "reduction",
    "equals": "",
    "more_than": "> ",
    "less_than": "< ",
    "about": "about ",
    "not_estimable": "NE",
    "months": " months",
    "%": " %",
    "ratio": "",
}


@pytest.fixture(scope="module")
def references() -> dict[str, Reference]:
    return dict(load_packaged().references)


def stated(reference: Reference, statement: str) -> Iterator[Atom]:
    """Yield the arguments of a statement, without the reference, as it stands today."""
    return (atom[1:] for atom in reference.versions[-1].program.arguments(statement))


def about(reference: Reference, statement: str, section: str) -> list[str]:
    """Return what a statement says of a section, each as one text."""
    found = [rest for of, *rest in stated(reference, statement) if of == section]
    return [" ".join(SHORT.get(str(part), str(part)) for part in rest) for rest in found]


def shown(reference: Reference, section: str, outcome: str, statistic: str, figure: str) -> Figure:
    grades = about(reference, "grade", section)
    whose = [
        *about(reference, "of_arm", section),
        *(pair.replace(" ", " to ") for pair in about(reference, "compares_arms", section)),
    ]
    when = [*about(reference, "subgroup", section), *about(reference, "timepoint", section)]
    ends = [
        "{}: {} to {}".format(*interval.split())
        for interval in about(reference, "interval", section)
    ]
    return (
        *("", reference.name, " ".join(whose), " ".join(when)),
        *(" ".join([SHORT.get(outcome, outcome), *grades]), SHORT.get(statistic, statistic)),
        *(figure, " ".join(ends)),
    )


def all_figures(reference: Reference) -> Iterator[Figure]:
    """Yield each figure once for each place in which it was read."""
    said = statements(reference.versions[-1])
    unreached = ((*rest, "NE") for rest in stated(reference, "not_estimable"))
    reached = (
        (section, outcome, statistic, f"{SHORT[str(how)]}{amount}{SHORT[str(unit)]}")
        for section, outcome, statistic, how, amount, unit in stated(reference, "figure")
    )
    for section, outcome, statistic, figure in (*reached, *unreached):
        row = shown(reference, str(section), str(outcome), str(statistic), str(figure))
        for place in said[str(section)].reported_by or (str(section).split(".")[0],):
            yield (place, *row[1:])


def test_every_figure_of_the_sources_is_stated_once_for_each_place_and_no_other(
    references: dict[str, Reference],
) -> None:
    found = Counter(row for reference in references.values() for row in all_figures(reference))
    assert found == Counter(FIGURES)


def test_the_patients_of_each_arm_are_those_reported(references: dict[str, Reference]) -> None:
    found = {
        (name, arm): count
        for name, reference in references.items()
        for _, arm, count in stated(reference, "patients")
    }
    assert found == PATIENTS


def test_rates_counted_in_patients_are_whole_patients_of_their_arm() -> None:
    for _, trial, arm, when, outcome, statistic, figure, _ in FIGURES:
        if trial == ALLIANCE and statistic == "rate" and outcome != "OS":
            everyone, percent = PATIENTS[trial, arm], Decimal(figure.split()[0])
            counts = {round(Decimal(100 * some) / everyone, 1) for some in range(everyone + 1)}
            assert percent in counts, (outcome, arm, when)


DESIGNS = {
    ALLIANCE: ([2], "comparative"),
    IFM: ([2], "single_arm"),
    PIVOTAL: ([3], "comparative"),
    "Maintenance trials": ([], "randomized"),
}
ARMS = {
    ALLIANCE: {
        "triplet": {"ixazomib", "pomalidomide", "dexamethasone"},
        "doublet": {"pomalidomide", "dexamethasone"},
    },
    IFM: {"triplet": {"ixazomib", "pomalidomide", "dexamethasone"}},
    PIVOTAL: {
        "triplet": {"ixazomib", "lenalidomide", "dexamethasone"},
        "doublet": {"lenalidomide", "dexamethasone"},
    },
    "Maintenance trials": {"ixazomib": {"ixazomib"}},
}
ENDPOINTS = {
    ALLIANCE: {"primary": {"PFS"}, "secondary": {"OS", "ORR", "safety"}},
    IFM: {"primary": {"TTP"}, "secondary": {"PFS", "OS", "ORR", "safety"}},
}
POPULATIONS = {
    ALLIANCE: {
        *("first_relapse", "lenalidomide_refractory", "adequate_organ_function"),
        *("proteasome_inhibitor_sensitive", "proteasome_inhibitor_naive"),
    },
    IFM: {"relapsed_or_refractory", "high_risk_cytogenetics"},
    PIVOTAL: {"previously_treated"},
    "Maintenance trials": {"maintenance"},
}
IDENTIFIERS = {
    (ALLIANCE, "nct", "NCT02004275"),
    (ALLIANCE, "doi", "10.1182/bloodadvances.2024013623"),
    (IFM, "nct", "NCT03683277"),
    (IFM, "doi", "10.3324/haematol.2024.285916"),
    ("IMWG criteria in PMC9954856", "doi", "10.3390/curroncol30020179"),
    (LIVERTOX, "cas", "1072833-77-2"),
}
CITED = {
    ALLIANCE: "Blood Adv. 2024;8(19):5039-5050",
    IFM: "Haematologica. 2025;110(3):758-763",
}


def test_the_trials_are_those_of_the_sources(references: dict[str, Reference]) -> None:
    trials = {name for name, reference in references.items() if reference.kind == "trial"}
    assert trials == set(TRIALS)


@pytest.mark.parametrize("name", TRIALS)
def test_each_trial_has_its_design_arms_endpoints_and_population(
    name: str, references: dict[str, Reference]
) -> None:
    trial = references[name]
    phases = [phase for _, phase in stated(trial, "phase")]
    assert (phases, *(design for _, design in stated(trial, "design"))) == DESIGNS[name]
    arms: dict[str, set[str]] = {}
    for _, arm, drug in stated(trial, "arm"):
        arms.setdefault(str(arm), set()).add(str(drug))
    assert arms == ARMS[name]
    endpoints: dict[str, set[str]] = {}
    for _, endpoint, rank in stated(trial, "endpoint"):
        endpoints.setdefault(str(rank), set()).add(SHORT.get(str(endpoint), str(endpoint)))
    assert endpoints == ENDPOINTS.get(name, {})
    assert {population for _, population in stated(trial, "population")} == POPULATIONS[name]


def test_identifiers_and_citations_are_those_printed(references: dict[str, Reference]) -> None:
    found = {
        (name, registry, number)
        for name, reference in references.items()
        for _, registry, number in stated(reference, "identifier")
    }
    assert found == IDENTIFIERS
    cited = {
        name: str(text)
        for name, reference in references.items()
        for _, text in stated(reference, "citation")
    }
    assert cited.keys() == CITED.keys()
    assert all(cited[name].endswith(journal) for name, journal in CITED.items())


# --- Safety -----------------------------------------------------------------------------------

COUNTS = "Warnings and Precautions.Blood Counts"
TESTS = "How response is confirmed.Tests"
RESPONSE_TESTS = {
    *("serum_electrophoresis", "serum_immunofixation"),
    *("involved_free_light_chain", "urine_m_protein"),
}
MONITORED = {
    (LABEL, "Warnings and Precautions", "during_treatment"): {
        *("thrombocytopenia", "gastrointestinal_toxicity", "peripheral_neuropathy"),
        *("peripheral_edema", "cutaneous_reaction", "hepatotoxicity", "embryo_fetal_toxicity"),
    },
    (LABEL, COUNTS, "before_treatment"): {"platelets", "neutrophils"},
    (LABEL, COUNTS, "each_month"): {"platelets", "neutrophils"},
    (LABEL, COUNTS, "first_three_cycles"): {"platelets", "neutrophils"},
    (LABEL, "Warnings and Precautions.Hepatotoxicity", "during_treatment"): {"aminotransferase"},
    (LIVERTOX, "Hepatotoxicity.Monitoring", "during_treatment"): {"aminotransferase"},
    (LIVERTOX, "Outcome and Management.Monitoring", "during_treatment"): {"aminotransferase"},
    (EFFICACY, "Combination therapy.Blood counts", "each_cycle"): {"blood_count"},
    (EFFICACY, TESTS, "each_cycle"): RESPONSE_TESTS,
    (EFFICACY, TESTS, "every_one_to_three_cycles"): RESPONSE_TESTS,
}
CARE = {
    (LABEL, "pregnancy_prevention", "ixazomib"),
    (LABEL, "antiviral_prophylaxis", "ixazomib"),
    (EFFICACY, "antiviral_prophylaxis", "ixazomib"),
    (EFFICACY, "symptom_management", "ixazomib"),
    (EFFICACY, "growth_factor", "ixazomib"),
    (EFFICACY, "infection_prevention", "ixazomib"),
    (EFFICACY, "pregnancy_prevention", "lenalidomide"),
    (EFFICACY, "rems_program", "lenalidomide"),
}
REACTIONS = {
    (LABEL, "most_common"): {"thrombocytopenia", "neutropenia"},
    (LIVERTOX, "common"): {
        *("nausea", "diarrhea", "constipation", "anorexia", "fatigue", "peripheral_edema"),
        *("thrombocytopenia", "neutropenia", "anemia", "peripheral_neuropathy", "rash", "fever"),
        "aminotransferase_elevation",
    },
    (LIVERTOX, "uncommon"): {
        *("peripheral_neuropathy", "bone_marrow_suppression", "thrombocytopenia"),
        *("severe_diarrhea", "dehydration", "embryo_fetal_toxicity"),
        "aminotransferase_elevation",
    },
    (LIVERTOX, "rare"): {"clinical_liver_injury", "aminotransferase_elevation"},
    (EFFICACY, "common"): {
        *("thrombocytopenia", "neutropenia", "anemia", "diarrhea", "constipation", "nausea"),
        *("vomiting", "peripheral_neuropathy", "rash", "edema"),
    },
}


def test_what_is_monitored_and_when_is_what_the_sources_say(
    references: dict[str, Reference],
) -> None:
    found: dict[tuple[str, str, str], set[str]] = {}
    for name, reference in references.items():
        for section, subject, timing in stated(reference, "monitoring"):
            found.setdefault((name, str(section), str(timing)), set()).add(str(subject))
    assert found == MONITORED


def test_supportive_care_interactions_and_the_score_are_what_the_sources_say(
    references: dict[str, Reference],
) -> None:
    assert {
        (name, care, drug)
        for name, reference in references.items()
        for _, care, drug in stated(reference, "supportive_care")
    } == CARE
    assert {
        (name, agent)
        for name, reference in references.items()
        for _, agent in stated(reference, "interaction")
    } == {(LIVERTOX, "strong_cyp3a_inhibitor"), (LIVERTOX, "strong_cyp3a_inducer")}
    assert [
        (name, score)
        for name, reference in references.items()
        for _, score in stated(reference, "likelihood")
    ] == [(LIVERTOX, "E*")]


def test_adverse_reactions_are_as_frequent_as_the_sources_say(
    references: dict[str, Reference],
) -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for name, reference in references.items():
        for _, reaction, frequency in stated(reference, "adverse_reaction"):
            found.setdefault((name, str(frequency)), set()).add(str(reaction))
    assert found == REACTIONS
