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
reported_by("R", "1", "A journal").
combination("R", "1", "dexamethasone", dexamethasone).
supports("R", "1") :- exact_combination("R", "1"), at_least(age, 18).
category("R", "1", "2A").
preference("R", "1", preferred) :- since("2025-01-01").
statement("R", "2", "No more than 4 mg").
limits("R", "2") :- more_than(weekly_dose_mg, 4).
strength("R", "2", ("2.3"; 4), mg, capsule).
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
    assert (reference.kind, reference.drug) == ("guideline", "ixazomib")
    assert (reference.title, reference.source) == ("A guideline", "A document")
    assert [(version.start, version.until) for version in reference.versions] == [
        ("2024-01-01", "2025-01-01"),
        ("2025-01-01", None),
    ]
    first, second = reference.versions
    assert second.texts == {"1": "With dexamethasone, for adults", "2": "No more than 4 mg"}
    assert statements(first)["1"] == Statement("1", second.texts["1"], ("A journal",), "2A", None)
    assert statements(second)["1"].preference == "preferred"
    assert statements(second)["2"] == Statement("2", "No more than 4 mg", (), None, None)
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
            "label, guideline, safety, response_criteria, trial"
        ),
    ),
    "unknown_drug.lp": (
        instead("ixazomib", "ixazomab"),
        (
            "1:27: reference, argument 3: drug 'ixazomab' is not in the vocabulary; "
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
        "14:21: reads with 3 arguments is not defined",
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
        added('dose("R", "2", 4, mg, 0, 28).\n'),
        "14:23: dose, argument 5: expected at least 1",
    ),
    "too_few_arguments.lp": (
        added('dose("R", "2", 4, mg).\n'),
        "14:1: dose takes 6 arguments (reference, section, amount, word, count, count), not 4",
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
        added('strength("R", "9", 3, mg, capsule).\n'),
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


@pytest.fixture(scope="module")
def refused_together(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    texts = {name: text() for name, (text, _) in WRONG.items()}
    return refused(knowledge_base(tmp_path_factory.mktemp("wrong"), texts))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_reference_is_refused_with_its_own_message(
    name: str, refused_together: Mapping[str, list[str]]
) -> None:
    assert refused_together[name][0] == WRONG[name][1]


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
        ("S", "1", "contradicts 'S', which is no other reference"),
        ("R", "1", "contradicts 'R', which is no other reference"),
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
    files = (ROOT / "kb" / "references").rglob("*.lp")
    known = " ".join(" ".join(file.read_text("ascii").split()) for file in files)
    for block in blocks():
        if not block.startswith("ninlaro_"):
            for statement in re.split(r"\.\n", block):
                assert " ".join(statement.split()) in known
