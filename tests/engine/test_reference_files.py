"""Loading references: from folders of one's own, and what is refused, with its message."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine.loading import load_folders
from engine.references import Contradiction, Statement, contradictions, statements
from facts.errors import KnowledgeBaseError
from policygrounds import KnowledgeBase

POLICY = """\
policy("T-1", "Payer", ixazomib, "A policy").
source("T-1", "A document").
version("T-1", "2024-01-01", open, published, "A note").
criterion("T-1", "A", "Adult").
pathway("T-1", "A").
applies("T-1", "A") :- is(request, initial).
met("T-1", "A") :- at_least(age, 18).
"""

REFERENCE = """\
reference("R", guideline, ixazomib, "A guideline").
source("R", "A document").
version("R", "2024-01-01", "2025-01-01", published, "First.").
version("R", "2025-01-01", open, reconstructed, "Second.").
statement("R", "1", "With dexamethasone, for adults").
reported_by("R", ("1"; "2"), "A journal").
combination("R", "1", "dexamethasone", dexamethasone).
supports("R", "1") :- exact_combination("R", "1"), at_least(age, 18).
category("R", "1", "2A").
preference("R", "1", preferred) :- since("2025-01-01").
statement("R", "2", "No more than 4 mg").
limits("R", "2") :- more_than(weekly_dose_mg, 4).
strength("R", "2", ("2.3"; 4), "mg", capsule).
"""


TRIAL = """\
reference("T", trial, ixazomib, "A trial").
source("T", "A paper").
version("T", "2024-01-01", open, published, "First.").
statement("T", "Design", "Two arms").
citation("T", "Design", "A journal. 2024").
identifier("T", "Design", nct, "NCT02004275").
phase("T", "Design", 2).
design("T", "Design", randomized).
arm("T", "Design", triplet, (ixazomib; dexamethasone)).
arm("T", "Design", doublet, dexamethasone).
patients("T", "Design", triplet, 38).
statement("T", "Entry", "At least 2 prior lines").
threshold("T", "Entry", prior_lines, level, at_least, 2, "lines").
statement("T", "Survival", "78.6 % at 2 years").
figure("T", "Survival", overall_survival, rate, equals, "78.6", "%").
of_arm("T", "Survival", triplet).
interval("T", "Survival", 95, "66.2", "92.8").
timepoint("T", "Survival", 2, "years").
statement("T", "Ratio", "0.437").
figure("T", "Ratio", overall_survival, hazard_ratio, equals, "0.437", "ratio").
compares_arms("T", "Ratio", triplet, doublet).
statement("T", "Median", "Not reached").
not_estimable("T", "Median", overall_survival, median).
of_arm("T", "Median", triplet).
interval("T", "Median", 95, "27.1", not_estimable).
statement("T", "Risk", "With deletion 17p").
shows("T", "Risk", del_17p, present).
defines("T", "Risk", high_risk).
"""


def knowledge_base(folder: Path, references: Mapping[str, str], policy: str = POLICY) -> Path:
    (folder / "references").mkdir()
    (folder / "policy.lp").write_text(policy, "ascii")
    for name, text in references.items():
        (folder / "references" / name).write_text(text, "ascii")
    return folder


def refused(folder: Path) -> dict[str, list[str]]:
    """Load a folder that must be refused; return the problems of each file, without its path."""
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders([folder])
    problems: dict[str, list[str]] = {}
    for problem in raised.value.problems:
        name = Path(problem.file).name
        shown = str(problem).replace(f"{folder}/references/", "").replace(f"{folder}/", "")
        problems.setdefault(name, []).append(shown.removeprefix(f"{name}:").strip())
    return problems


# --- Folders of one's own ---------------------------------------------------------------------


def test_references_are_loaded_beside_policies(tmp_path: Path) -> None:
    library = load_folders([knowledge_base(tmp_path, {"r.lp": REFERENCE})])
    assert list(library.policies) == ["T-1"]
    reference = library.references["R"]
    assert (reference.kind, reference.subject) == ("guideline", "ixazomib")
    assert (reference.title, reference.source) == ("A guideline", "A document")
    assert [(version.start, version.until) for version in reference.versions] == [
        ("2024-01-01", "2025-01-01"),
        ("2025-01-01", None),
    ]
    first, second = reference.versions
    assert second.texts == {"1": "With dexamethasone, for adults", "2": "No more than 4 mg"}
    assert statements(first)["1"] == Statement("1", second.texts["1"], ("A journal",), "2A", None)
    assert statements(second)["1"].preference == "preferred"
    assert statements(second)["2"] == Statement(
        "2", "No more than 4 mg", ("A journal",), None, None
    )
    assert reference.version("2024-12-31") is first
    assert reference.version("2025-01-01") is second
    assert reference.version("2023-12-31") is None


def test_prefers_follows_from_support_and_preference(tmp_path: Path) -> None:
    library = load_folders([knowledge_base(tmp_path, {"r.lp": REFERENCE})])
    first, second = (version.program for version in library.references["R"].versions)
    assert not list(first.possible("prefers"))
    assert list(second.possible("prefers")) == [("prefers", "R", "1")]
    assert list(second.possible("supports")) == [("supports", "R", "1")]
    assert list(second.possible("limits")) == [("limits", "R", "2")]


def test_a_reference_looks_at_the_atoms_a_policy_looks_at(tmp_path: Path) -> None:
    library = load_folders([knowledge_base(tmp_path, {"r.lp": REFERENCE})])
    policy = library.policies["T-1"].versions[0].program
    reference = library.references["R"].versions[0].program
    adult = ("reaches", "age", 18)
    assert adult in policy.atoms
    assert adult in reference.atoms
    assert ("includes", "regimen", "dexamethasone") in reference.atoms


def test_references_may_use_facts_of_ones_own(tmp_path: Path) -> None:
    fact = 'fact(frail, boolean, fixed).\ntitle(frail, "Frail").\nquestion(frail, "Frail?").\n'
    folder = knowledge_base(tmp_path, {"r.lp": REFERENCE + 'limits("R", "2") :- yes(frail).\n'})
    (folder / "vocabulary").mkdir()
    (folder / "vocabulary" / "own.lp").write_text(fact, "ascii")
    version = load_folders([folder]).references["R"].versions[0]
    assert ("yes", "frail") in version.program.atoms


def test_a_trial_is_loaded_with_its_arms_and_figures(tmp_path: Path) -> None:
    version = load_folders([knowledge_base(tmp_path, {"t.lp": TRIAL})]).references["T"].versions[0]
    assert set(version.program.arguments("arm")) == {
        ("T", "Design", "triplet", "ixazomib"),
        ("T", "Design", "triplet", "dexamethasone"),
        ("T", "Design", "doublet", "dexamethasone"),
    }
    assert list(version.program.arguments("interval")) == [
        ("T", "Median", 95, "27.1", "not_estimable"),
        ("T", "Survival", 95, "66.2", "92.8"),
    ]


def test_a_reference_may_be_on_a_diagnosis(tmp_path: Path) -> None:
    text = TRIAL.replace("trial, ixazomib", "trial, multiple_myeloma")
    reference = load_folders([knowledge_base(tmp_path, {"t.lp": text})]).references["T"]
    assert reference.subject == "multiple_myeloma"


def test_one_section_may_contradict_another_of_the_same_reference(tmp_path: Path) -> None:
    text = REFERENCE + 'contradicts("R", "2", "R", "1", "5 mg there").\n'
    library = load_folders([knowledge_base(tmp_path, {"r.lp": text})])
    assert contradictions(library.references["R"].versions[0]) == (
        Contradiction("2", "R", "1", "5 mg there"),
    )


def test_measurements_and_terms_of_ones_own_may_be_used(tmp_path: Path) -> None:
    own = """\
measurement(ferritin, "Ferritin in serum").
measured_in(ferritin, "ug/L").
term(endpoint, quality_of_life, "Quality of life").
"""
    threshold = 'threshold("T", "Entry", ferritin, level, at_least, 30, "ug/L").\n'
    endpoint = 'endpoint("T", "Design", quality_of_life, secondary).\n'
    folder = knowledge_base(tmp_path, {"t.lp": TRIAL + threshold + endpoint})
    (folder / "vocabulary").mkdir()
    (folder / "vocabulary" / "own.lp").write_text(own, "ascii")
    vocabulary = load_folders([folder]).vocabulary
    assert vocabulary.measurements["ferritin"].units == ("ug/L",)
    assert vocabulary.terms["endpoint"]["quality_of_life"] == "Quality of life"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'measured_in(serum_m_proteins, "g/L").',
            (
                "measured_in of 'serum_m_proteins', which is no measurement; "
                "did you mean 'serum_m_protein'?"
            ),
        ),
        (
            'measurement(platelets, "Thrombocytes").',
            "measurement 'platelets' is stated twice",
        ),
        ('term(reaction, nausea, "Feeling sick").', "term 'nausea' is stated twice as reaction"),
        (
            'term(reactions, itch, "Itch").',
            "expected a sort of term: endpoint, population, reaction, care, agent",
        ),
    ],
)
def test_words_for_references_are_stated_once_and_of_something(
    line: str, message: str, tmp_path: Path
) -> None:
    folder = knowledge_base(tmp_path, {})
    (folder / "vocabulary").mkdir()
    (folder / "vocabulary" / "own.lp").write_text(line + "\n", "ascii")
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders([folder])
    assert message in str(raised.value)


def test_one_reference_may_contradict_another(tmp_path: Path) -> None:
    other = REFERENCE.replace('"R"', '"S"') + 'contradicts("S", "2", "R", "2", "5 mg there").\n'
    library = load_folders([knowledge_base(tmp_path, {"r.lp": REFERENCE, "s.lp": other})])
    found = contradictions(library.references["S"].versions[0])
    assert found == (Contradiction("2", "R", "2", "5 mg there"),)


def test_a_folder_without_references_has_none(tmp_path: Path) -> None:
    (tmp_path / "policy.lp").write_text(POLICY, "ascii")
    assert load_folders([tmp_path]).references == {}


def test_references_alone_are_no_knowledge_base(tmp_path: Path) -> None:
    folder = knowledge_base(tmp_path, {"r.lp": REFERENCE})
    (folder / "policy.lp").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"no policy file \(\.lp\) in it"):
        load_folders([folder])


def test_a_reference_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    left, right = "; ".join(map(str, range(49))), "; ".join(map(str, range(50, 99)))
    edges = f"edge(({left}), ({right})).\nedge(({right}), ({left})).\n"
    path = ", ".join(f"edge({a}, {b})" for a, b in zip("ABCDEFG", "BCDEFGA", strict=True))
    folder = knowledge_base(tmp_path, {"r.lp": f"{REFERENCE}{edges}odd_cycle :- {path}.\n"})
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders([folder], seconds=2)
    assert "r.lp: grounding took more than 2 seconds and was stopped" in str(raised.value)


# --- What is refused --------------------------------------------------------------------------


def added(lines: str) -> Callable[[], str]:
    return lambda: REFERENCE + lines


def instead(old: str, new: str) -> Callable[[], str]:
    assert old in REFERENCE
    return lambda: REFERENCE.replace(old, new, 1)


FORM = 'reference("name", kind, drug, "title")'
SECTION_9 = "of section '9', which states nothing"
WRONG: dict[str, tuple[Callable[[], str], str]] = {
    "empty.lp": (lambda: "% nothing\n", f"the file states no reference: {FORM}"),
    "policy_among_references.lp": (
        lambda: POLICY,
        (
            "1:1: a policy belongs outside the folders named vocabulary and references; "
            f"here, a file states {FORM}"
        ),
    ),
    "name_as_a_word.lp": (
        instead('reference("R"', "reference(r"),
        f"1:1: a file states one reference, its name a text: {FORM}",
    ),
    "two_references.lp": (
        added('reference("S", label, ixazomib, "Another").\n'),
        f"14:1: a file states one reference, its name a text: {FORM}",
    ),
    "unknown_kind.lp": (
        instead("guideline", "guidelines"),
        (
            "1:16: reference, argument 2: expected a reference kind: "
            "label, guideline, safety, response_criteria, trial, article"
        ),
    ),
    "unknown_drug.lp": (
        instead("ixazomib", "ixazomab"),
        (
            "1:27: reference, argument 3: drug or diagnosis 'ixazomab' is not in the vocabulary; "
            "did you mean 'ixazomib'?"
        ),
    ),
    "no_version.lp": (
        lambda: "".join(
            f"{line}\n"
            for line in REFERENCE.splitlines()
            if not line.startswith("version") and "since" not in line
        ),
        "the reference states no version",
    ),
    "no_statement.lp": (
        lambda: "\n".join(REFERENCE.splitlines()[:4]),
        "the reference states no statement",
    ),
    "no_source.lp": (
        instead('source("R", "A document").\n', ""),
        "source is stated 0 times, not once",
    ),
    "stated_twice.lp": (
        added('reference("R", label, ixazomib, "Another").\n'),
        "14:1: reference is stated 2 times, not once",
    ),
    "overlapping_versions.lp": (
        instead('"2025-01-01", published', '"2025-02-01", published'),
        "3:1: version 2024-01-01 overlaps the next, which begins on 2025-01-01",
    ),
    "of_another_reference.lp": (
        added('limits("S", "2") :- at_least(age, 90).\n'),
        "14:8: limits, argument 1: the file speaks of its own reference, 'R', alone",
    ),
    "misspelt_fact.lp": (
        added('limits("R", "2") :- at_least(agee, 90).\n'),
        "14:30: at_least, argument 1: fact 'agee' is not in the vocabulary; did you mean 'age'?",
    ),
    "misspelt_statement.lp": (
        added('limits("R", "2") :- support("R", "1").\n'),
        "14:21: support with 2 arguments is not defined; did you mean 'supports'?",
    ),
    "statement_of_a_policy.lp": (
        added('met("R", "1") :- at_least(age, 18).\n'),
        "14:1: met is stated in policies alone, not in a reference",
    ),
    "approves.lp": (
        added('approved("R") :- at_least(age, 18).\n'),
        "14:1: approved is defined by the language, not by a file",
    ),
    "prefers.lp": (
        added('prefers("R", "1") :- at_least(age, 18).\n'),
        "14:1: prefers is defined by the language, not by a file",
    ),
    "asks_for_a_reading.lp": (
        added('limits("R", "2") :- reads("R", a, b).\n'),
        "14:21: reads with 3 arguments is not defined; did you mean 'grade'?",
    ),
    "category_as_a_number.lp": (
        added('category("R", "1", 1).\n'),
        "14:20: category, argument 3: expected a text in quotes",
    ),
    "unknown_category.lp": (
        instead('"2A"', '"2C"'),
        "9:20: category, argument 3: expected a category: 1, 2A, 2B, 3",
    ),
    "unknown_preference.lp": (
        instead("preferred", "prefered"),
        "10:22: preference, argument 3: expected a preference: preferred, other, useful",
    ),
    "preference_as_a_variable.lp": (
        added('preference("R", "2", X) :- preference("R", "1", X).\n'),
        "14:22: preference, argument 3: a preference is named, not a variable",
    ),
    "amount_in_words.lp": (
        instead('"2.3"', '"two"'),
        '13:21: strength, argument 3: the number is written as 4 or, with decimals, as "2.3"',
    ),
    "day_zero.lp": (
        added('dose("R", "2", 4, "mg", 0, 28).\n'),
        "14:25: dose, argument 5: expected at least 1",
    ),
    "too_few_arguments.lp": (
        added('dose("R", "2", 4, "mg").\n'),
        "14:1: dose takes 6 arguments (reference, section, amount, dose unit, count, count), not 4",
    ),
    "day_of_no_version.lp": (
        instead('since("2025-01-01")', 'since("2025-02-01")'),
        (
            "10:42: since, argument 1: '2025-02-01' is not the first day of a version "
            "(2024-01-01, 2025-01-01)"
        ),
    ),
    "statement_with_two_texts.lp": (
        added('statement("R", "1", "Otherwise").\n'),
        "14:1: version 2024-01-01: statement '1' is stated twice with different texts",
    ),
    "two_categories.lp": (
        added('category("R", "1", "1").\n'),
        "14:1: version 2024-01-01: category of section '1' is stated twice",
    ),
    "two_preferences.lp": (
        added('preference("R", "1", other) :- since("2025-01-01").\n'),
        "14:1: version 2025-01-01: preference of section '1' is stated twice",
    ),
    "support_without_a_statement.lp": (
        added('supports("R", "9") :- at_least(age, 18).\n'),
        f"14:1: version 2024-01-01: supports is {SECTION_9}",
    ),
    "strength_without_a_statement.lp": (
        added('strength("R", "9", 3, "mg", capsule).\n'),
        f"14:1: version 2024-01-01: strength is {SECTION_9}",
    ),
    "category_without_support.lp": (
        added('category("R", "2", "1").\n'),
        "14:1: version 2024-01-01: category is of section '2', which supports no use",
    ),
    "own_drug_in_a_combination.lp": (
        added('combination("R", "1", "own", ixazomib).\n'),
        (
            "14:1: version 2024-01-01: combination 'own' of section '1' lists the reference's own "
            "drug: leave it out"
        ),
    ),
    "category_that_hangs_on_facts.lp": (
        instead('category("R", "1", "2A").', 'category("R", "1", "2A") :- at_least(age, 65).'),
        "9:1: category (1, 2A) depends on the facts of a case; it must hold for every case",
    ),
    "combination_nowhere_stated.lp": (
        instead('exact_combination("R", "1")', 'exact_combination("R", "2")'),
        "8:46: no combination is stated for section '2'",
    ),
    "script.lp": (
        added("#script (python)\n"),
        "14:1: scripts are not allowed: a policy is data and runs no code",
    ),
}


def in_trial(old: str, new: str = "") -> Callable[[], str]:
    assert old in TRIAL
    return lambda: TRIAL.replace(old, new, 1)


def after_trial(line: str) -> Callable[[], str]:
    return lambda: f"{TRIAL}{line}\n"


NO_AMOUNT = 'the number is written as 4 or, with decimals, as "2.3"'
UNKNOWN = "is not in the vocabulary"
WRONG_WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "unknown_measurement.lp": (
        in_trial("prior_lines", "prior_line"),
        (
            f"13:25: threshold, argument 3: measurement 'prior_line' {UNKNOWN}; "
            "did you mean 'prior_lines'?"
        ),
    ),
    "fact_that_is_no_number.lp": (
        in_trial("prior_lines", "prior_drugs"),
        (
            f"13:25: threshold, argument 3: measurement 'prior_drugs' {UNKNOWN}; "
            "did you mean 'prior_lines'?"
        ),
    ),
    "unit_of_another_measurement.lp": (
        in_trial('"lines"', '"g/dL"'),
        "13:58: threshold, argument 7: 'prior_lines' (level) is given in lines",
    ),
    "unit_of_a_tenth.lp": (
        after_trial('threshold("T", "Entry", serum_m_protein, level, at_least, 1, "g/L").'),
        "29:62: threshold, argument 7: 'serum_m_protein' (level) is given in g/dL",
    ),
    "percent_of_a_change_in_units.lp": (
        after_trial(
            'threshold("T", "Entry", calcium, percent_fall_from_baseline, at_least, 1, "mg/dL").'
        ),
        "29:75: threshold, argument 7: 'calcium' (percent_fall_from_baseline) is given in %",
    ),
    "one_of_two_units.lp": (
        after_trial('threshold("T", "Entry", calcium, level, at_least, 1, "%").'),
        "29:54: threshold, argument 7: 'calcium' (level) is given in mg/dL or mmol/L",
    ),
    "threshold_of_a_finding.lp": (
        after_trial('threshold("T", "Entry", del_17p, level, at_least, 1, "%").'),
        "29:54: threshold, argument 7: 'del_17p' (level) is given by its results, without a unit",
    ),
    "unknown_change.lp": (
        in_trial("level", "levels"),
        (
            "13:38: threshold, argument 4: expected a change: level, level_at_baseline, "
            "lowest_level, rise_from_lowest, percent_rise_from_lowest, fall_from_baseline, "
            "percent_fall_from_baseline"
        ),
    ),
    "unknown_comparison.lp": (
        in_trial("at_least", "above"),
        (
            "13:45: threshold, argument 5: expected a comparison: "
            "at_least, more_than, at_most, less_than"
        ),
    ),
    "word_in_quotes.lp": (
        in_trial("at_least", '"at_least"'),
        "13:45: threshold, argument 5: expected a word in lower case, without quotes",
    ),
    "negative_amount.lp": (
        in_trial("at_least, 2", 'at_least, "-2"'),
        f"13:55: threshold, argument 6: {NO_AMOUNT}",
    ),
    "unknown_result.lp": (
        in_trial("present", "positive"),
        "27:29: shows, argument 4: expected a result of del_17p: absent, present",
    ),
    "result_of_a_number.lp": (
        in_trial("del_17p, present", "prior_lines, present"),
        "27:33: shows, argument 4: 'prior_lines' is a number: state a threshold of it",
    ),
    "unknown_endpoint.lp": (
        in_trial("overall_survival", "overal_survival"),
        (
            f"15:25: figure, argument 3: endpoint 'overal_survival' {UNKNOWN}; "
            "did you mean 'overall_survival'?"
        ),
    ),
    "unknown_statistic.lp": (
        in_trial("rate, equals", "percentage, equals"),
        (
            "15:43: figure, argument 4: expected a statistic: "
            "median, rate, hazard_ratio, risk_reduction"
        ),
    ),
    "rate_in_months.lp": (
        in_trial('"78.6", "%"', '"78.6", "months"'),
        '15:65: figure, argument 7: a rate is given in "%"',
    ),
    "decimal_comma.lp": (
        in_trial('"78.6"', '"78,6"'),
        f"15:57: figure, argument 6: {NO_AMOUNT}",
    ),
    "unknown_drug_of_an_arm.lp": (
        in_trial("(ixazomib; dexamethasone)", "(ixazomib; dexamethason)"),
        (f"9:40: arm, argument 4: drug 'dexamethason' {UNKNOWN}; did you mean 'dexamethasone'?"),
    ),
    "unknown_design.lp": (
        in_trial("randomized", "randomised"),
        "8:23: design, argument 3: expected a design: randomized, comparative, single_arm",
    ),
    "phase_in_words.lp": (
        in_trial('"Design", 2)', '"Design", two)'),
        "7:22: phase, argument 3: expected a whole number",
    ),
    "phase_five.lp": (
        in_trial('"Design", 2)', '"Design", 5)'),
        "7:22: phase, argument 3: expected a phase: 1, 2, 3, 4",
    ),
    "grade_six.lp": (
        after_trial('grade("T", "Survival", 6).'),
        "29:24: grade, argument 3: expected a grade: 1, 2, 3, 4, 5",
    ),
    "time_in_quarters.lp": (
        in_trial('"years"', '"quarters"'),
        "18:31: timepoint, argument 4: expected a time unit: days, weeks, months, years",
    ),
    "registration_with_a_digit_less.lp": (
        in_trial("NCT02004275", "NCT0200427"),
        "6:32: identifier, argument 4: expected an identifier of nct such as 'NCT02004275'",
    ),
    "web_address_for_a_doi.lp": (
        in_trial('nct, "NCT02004275"', 'doi, "https://doi.org/10.1182/x"'),
        (
            "6:32: identifier, argument 4: "
            "expected an identifier of doi such as '10.1182/bloodadvances.2024013623'"
        ),
    ),
    "cas_number_with_a_wrong_digit.lp": (
        in_trial('nct, "NCT02004275"', 'cas, "1072833-77-3"'),
        "6:32: identifier, argument 4: the last digit of '1072833-77-3' does not check the others",
    ),
    "level_of_a_hundred.lp": (
        in_trial("95", "100"),
        "17:27: interval, argument 3: expected a level of confidence in percent, such as 95",
    ),
    "end_in_words.lp": (
        in_trial('"92.8"', "not_estimated"),
        f"17:39: interval, argument 5: {NO_AMOUNT}",
    ),
    "unknown_reaction.lp": (
        after_trial('adverse_reaction("T", "Risk", neutropenias, common).'),
        (
            f"29:31: adverse_reaction, argument 3: reaction 'neutropenias' {UNKNOWN}; "
            "did you mean 'neutropenia'?"
        ),
    ),
    "unknown_care.lp": (
        after_trial('supportive_care("T", "Risk", antivirals, ixazomib).'),
        (
            f"29:30: supportive_care, argument 3: care 'antivirals' {UNKNOWN}; "
            "did you mean 'antiviral_prophylaxis'?"
        ),
    ),
    "unknown_action.lp": (
        after_trial('calls_for("T", "Risk", holds).'),
        "29:24: calls_for, argument 3: expected an action: start_cycle, hold, resume, reduce, stop",
    ),
    "unknown_score.lp": (
        after_trial('likelihood("T", "Risk", "F").'),
        "29:25: likelihood, argument 3: expected a likelihood: A, B, C, D, E, E*, X",
    ),
    "variable_for_an_arm.lp": (
        after_trial('of_arm("T", "Ratio", Arm) :- of_arm("T", "Survival", Arm).'),
        "29:22: of_arm, argument 3: an arm is named, not a variable",
    ),
}
FIRST = "version 2024-01-01:"
SURVIVAL = "of section 'Survival'"
WRONG_SENSE: dict[str, tuple[Callable[[], str], str]] = {
    # Sections
    "figure_of_a_section_without_a_statement.lp": (
        in_trial('statement("T", "Survival", "78.6 % at 2 years").\n'),
        f"14:1: {FIRST} figure is of section 'Survival', which states nothing",
    ),
    "part_nowhere_stated.lp": (
        after_trial('requires_any("T", "Risk", "Entri").'),
        (
            f"29:1: {FIRST} requires_any names section 'Entri', which states nothing; "
            "did you mean 'Entry'?"
        ),
    ),
    "part_of_itself.lp": (
        after_trial('requires_all("T", "Risk", "Risk").'),
        f"26:1: {FIRST} sections are parts of each other in a circle: Risk <- Risk",
    ),
    "definition_that_asks_nothing.lp": (
        in_trial('shows("T", "Risk", del_17p, present).\n'),
        f"27:1: {FIRST} defines is of section 'Risk', which asks nothing of a patient",
    ),
    "thresholds_that_no_value_meets.lp": (
        after_trial('threshold("T", "Entry", prior_lines, level, less_than, 2, "lines").'),
        f"29:1: {FIRST} no prior_lines (level) fits the thresholds of section 'Entry'",
    ),
    # Figures
    "two_figures.lp": (
        after_trial('figure("T", "Survival", overall_survival, rate, equals, 79, "%").'),
        f"29:1: {FIRST} figure {SURVIVAL} is stated twice",
    ),
    "rate_above_all.lp": (
        in_trial('"78.6"', '"786"'),
        f"15:1: {FIRST} the figure {SURVIVAL} is above 100 %",
    ),
    "figure_and_none.lp": (
        after_trial('not_estimable("T", "Survival", overall_survival, rate).'),
        f"29:1: {FIRST} section 'Survival' states a figure and that it is not estimable",
    ),
    "interval_of_no_figure.lp": (
        after_trial('interval("T", "Entry", 95, 1, 2).'),
        f"29:1: {FIRST} interval is of section 'Entry', which states no figure",
    ),
    "interval_above_its_figure.lp": (
        in_trial('"66.2"', '"78.7"'),
        f"17:1: {FIRST} the interval {SURVIVAL} does not hold the figure, 78.6",
    ),
    "interval_below_its_figure.lp": (
        in_trial('"92.8"', '"78.5"'),
        f"17:1: {FIRST} the interval {SURVIVAL} does not hold the figure, 78.6",
    ),
    "interval_the_wrong_way_round.lp": (
        in_trial('"66.2", "92.8"', '"92.8", "66.2"'),
        f"17:1: {FIRST} the interval {SURVIVAL} ends before it begins",
    ),
    "interval_without_its_decimal_point.lp": (
        in_trial('"92.8"', '"928"'),
        f"17:1: {FIRST} the interval {SURVIVAL} ends above 100 %",
    ),
    "higher_end_of_what_is_not_estimable.lp": (
        in_trial('"27.1", not_estimable', '"27.1", "30.2"'),
        (
            f"25:1: {FIRST} the interval of section 'Median' has a higher end, "
            "though the figure is not estimable"
        ),
    ),
    # Arms
    "figure_without_an_arm.lp": (
        in_trial('of_arm("T", "Survival", triplet).\n'),
        f"15:1: {FIRST} figure {SURVIVAL} has no of_arm: whose is it?",
    ),
    "ratio_of_one_arm.lp": (
        in_trial('compares_arms("T", "Ratio", triplet, doublet)', 'of_arm("T", "Ratio", triplet)'),
        f"20:1: {FIRST} figure of section 'Ratio' has no compares_arms: whose is it?",
    ),
    "rate_of_two_arms.lp": (
        after_trial('compares_arms("T", "Survival", triplet, doublet).'),
        f"29:1: {FIRST} compares_arms {SURVIVAL} does not fit its rate",
    ),
    "arm_nowhere_stated.lp": (
        in_trial('"Survival", triplet', '"Survival", tripplet'),
        f"16:1: {FIRST} of_arm names arm 'tripplet', which has no drugs; did you mean 'triplet'?",
    ),
    "arm_against_itself.lp": (
        in_trial("triplet, doublet", "triplet, triplet"),
        f"21:1: {FIRST} compares_arms of section 'Ratio' names an arm twice",
    ),
    "two_numbers_of_patients.lp": (
        after_trial('patients("T", "Design", triplet, 39).'),
        f"29:1: {FIRST} patients of section 'Design' names an arm twice",
    ),
    "trial_without_a_design.lp": (
        in_trial('design("T", "Design", randomized).\n'),
        f"1:1: {FIRST} a trial states its design, and this one does not",
    ),
    "arms_of_no_trial.lp": (
        in_trial("trial, ixazomib", "guideline, ixazomib"),
        f"7:1: {FIRST} phase is stated in trials alone, not in a reference of another kind",
    ),
}
UNCITED: dict[str, tuple[Callable[[], str], str]] = {
    "trial_without_a_citation.lp": (
        in_trial('citation("T", "Design", "A journal. 2024").\n'),
        "1:1: version 2024-01-01 of a trial needs its citation",
    ),
    "second_hand_without_saying_where.lp": (
        in_trial("published", "reconstructed"),
        "4:1: version 2024-01-01 is reconstructed: section 'Design' needs reported_by",
    ),
}
EVERY_WRONG = WRONG | WRONG_WORDS | WRONG_SENSE | UNCITED


@pytest.fixture(scope="module")
def refused_together(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    texts = {name: text() for name, (text, _) in EVERY_WRONG.items()}
    return refused(knowledge_base(tmp_path_factory.mktemp("wrong"), texts))


@pytest.mark.parametrize("name", EVERY_WRONG)
def test_a_wrong_reference_is_refused_with_its_own_message(
    name: str, refused_together: Mapping[str, list[str]]
) -> None:
    assert refused_together[name][0] == EVERY_WRONG[name][1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('supports("T-1", "A") :- at_least(age, 18).', "supports"),
        ('limits("T-1", "A") :- at_least(age, 18).', "limits"),
        ('category("T-1", "A", "1").', "category"),
        ('statement("T-1", "A", "Something").', "statement"),
    ],
)
def test_a_policy_makes_no_statements_of_a_reference(
    line: str, message: str, tmp_path: Path
) -> None:
    folder = knowledge_base(tmp_path, {}, POLICY + line + "\n")
    expected = f"8:1: {message} is stated in references alone, not in a policy"
    assert refused(folder) == {"policy.lp": [expected]}


def test_a_reference_among_the_policies_is_sent_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "reference.lp").write_text(REFERENCE, "ascii")
    expected = (
        "1:1: a reference belongs below a folder named references; "
        'here, a file states policy("number", "payer", drug, "title")'
    )
    assert refused(tmp_path) == {"reference.lp": [expected]}


def test_two_files_cannot_state_the_same_reference(tmp_path: Path) -> None:
    folder = knowledge_base(tmp_path, {"a.lp": REFERENCE, "b.lp": REFERENCE})
    assert refused(folder) == {"b.lp": ["reference 'R' is also stated in a.lp"]}


@pytest.mark.parametrize(
    ("other", "section", "message"),
    [
        ("S", "1", "contradicts 'S', which is no reference"),
        ("R", "1", "section '1' contradicts itself"),
        ("R", "9", "contradicts section '9' of 'R', which states nothing"),
        ("Q", "9", "contradicts section '9' of 'Q', which states nothing"),
    ],
)
def test_a_reference_contradicts_what_another_states(
    other: str, section: str, message: str, tmp_path: Path
) -> None:
    wrong = f'{REFERENCE}contradicts("R", "1", "{other}", "{section}", "Otherwise").\n'
    right = REFERENCE.replace('"R"', '"Q"')
    folder = knowledge_base(tmp_path, {"q.lp": right, "r.lp": wrong})
    assert refused(folder) == {"r.lp": [message]}


def test_the_references_of_a_folder_do_not_change_what_its_policy_decides(tmp_path: Path) -> None:
    with_references = KnowledgeBase.load(knowledge_base(tmp_path, {"r.lp": REFERENCE}))
    (tmp_path / "references" / "r.lp").unlink()
    without = KnowledgeBase.load(tmp_path)
    programs = [kb.policies["T-1"].versions[0].program for kb in (with_references, without)]
    assert programs[0] == programs[1]


# --- What the page on the language shows ------------------------------------------------------

ROOT = Path(__file__).parents[2]
LABEL = (ROOT / "kb" / "references" / "fda" / "ninlaro_label.lp").read_text("ascii")
PAGE = (ROOT / "docs" / "policy-language.md").read_text()
SHOWN = re.search(r"^## References$(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
FAULTS = (
    LABEL.replace("label, ixazomib", "labels, ixazomib"),
    LABEL + 'category("Ninlaro label", "Limitations of Use.Maintenance", "2A").\n',
    LABEL + 'supports("Ninlaro label", "Indications") :- at_least(age, 18).\n',
    LABEL + 'met("Ninlaro label", "Indication") :- at_least(age, 18).\n',
    LABEL.replace('less_than, 30000, "/mm3"', 'less_than, 30, "10^9/L"'),
    LABEL + 'interval("Ninlaro label", "Dosage", 95, "66.2", "92.8").\n',
)


def blocks() -> list[str]:
    assert SHOWN is not None
    return re.findall(r"^```\n(.*?)^```$", SHOWN[1], re.MULTILINE | re.DOTALL)


def test_the_messages_the_page_shows_are_those_the_loader_gives(tmp_path: Path) -> None:
    given: set[str] = set()
    for number, fault in enumerate((*FAULTS, LABEL)):
        folder = tmp_path / str(number)
        folder.mkdir()
        knowledge_base(folder, {"ninlaro_label.lp": fault} if fault in FAULTS else {})
        if fault is LABEL:
            (folder / "ninlaro_label.lp").write_text(LABEL, "ascii")
        ((name, messages),) = refused(folder).items()
        given.add(f"{name}:{messages[0]}")
    shown = {
        line for block in blocks() for line in block.splitlines() if line.startswith("ninlaro_")
    }
    assert shown == given


def test_the_statements_the_page_shows_are_in_the_references() -> None:
    folders = (ROOT / "kb" / "references", ROOT / "kb" / "vocabulary")
    files = (file for folder in folders for file in folder.rglob("*.lp"))
    known = " ".join(" ".join(file.read_text("ascii").split()) for file in files)
    for block in blocks():
        if not block.startswith("ninlaro_"):
            for statement in re.split(r"\.\n", block):
                assert " ".join(statement.split()) in known
