"""Policy files from outside that are broken or hostile: each is refused with its own message.

`hostile/` holds one fault a file, `hostile/vocabulary/` the faults of vocabulary files, and
`hostile/expected.txt` the message for each. What would be too large to keep, or is no file at all,
is made here.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.gate import read_policy_text
from engine.loading import load_folders
from engine.statements import FileCheck
from engine.syntax import parse
from facts.vocabulary import NO_VOCABULARY, Vocabulary
from policygrounds import KnowledgeBase, KnowledgeBaseError

HOSTILE = Path(__file__).parent / "hostile"

POLICY = """\
policy("T-1", "Payer", ixazomib, "A policy").
source("T-1", "A document").
version("T-1", "2024-01-01", open, published, "A note").
criterion("T-1", "A", "Adult").
pathway("T-1", "A").
applies("T-1", "A") :- is(request, initial).
met("T-1", "A") :- at_least(age, 18).
"""


def expected() -> dict[str, tuple[str, str]]:
    """Read the table: the place and the message each file is refused with."""
    table, message = {}, ""
    for line in (HOSTILE / "expected.txt").read_text("ascii").splitlines():
        if line.startswith("    "):
            place = line.strip()
            table[place.split(":")[0]] = (place, message)
        else:
            message = line
    return table


EXPECTED = expected()
POLICY_FILES = sorted(path.name for path in HOSTILE.glob("*.lp"))
VOCABULARY_FILES = sorted(f"vocabulary/{path.name}" for path in HOSTILE.glob("vocabulary/*.lp"))


def refused(*folders: Path) -> dict[str, list[tuple[str, str]]]:
    """Load folders that must be refused; return place and message of the problems of each file."""
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders(folders)
    problems: dict[str, list[tuple[str, str]]] = {}
    for problem in raised.value.problems:
        assert str(problem) in str(raised.value)
        path = Path(problem.file)
        base = next(folder for folder in folders if path.is_relative_to(folder))
        name = str(path.relative_to(base))
        place = ":".join(str(part) for part in (name, problem.line, problem.column) if part)
        problems.setdefault(name, []).append((place, problem.message))
    return problems


def write(folder: Path, text: str, name: str = "policy.lp") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "ascii")
    return folder


@pytest.fixture(scope="module")
def refused_together(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """Load all hostile policies in one go: none of them hides another's problems."""
    folder = tmp_path_factory.mktemp("hostile")
    for name in POLICY_FILES:
        shutil.copy(HOSTILE / name, folder)
    return refused(folder)


@pytest.fixture(scope="module")
def packaged() -> KnowledgeBase:
    return KnowledgeBase.load()


@pytest.mark.parametrize("name", POLICY_FILES)
def test_a_hostile_policy_is_refused_with_its_own_message(
    name: str, refused_together: Mapping[str, list[tuple[str, str]]]
) -> None:
    place, message = EXPECTED[name]
    assert refused_together[name][0] == (place, message)
    assert {other for _, other in refused_together[name]} == {message}


@pytest.mark.parametrize("name", VOCABULARY_FILES)
def test_a_hostile_vocabulary_is_refused_with_its_own_message(name: str, tmp_path: Path) -> None:
    write(tmp_path, POLICY)
    (tmp_path / "vocabulary").mkdir()
    shutil.copy(HOSTILE / name, tmp_path / "vocabulary")
    assert refused(tmp_path) == {name: [EXPECTED[name]]}


def test_every_hostile_file_is_in_the_table_and_no_message_is_part_of_another() -> None:
    assert sorted(EXPECTED) == sorted(POLICY_FILES + VOCABULARY_FILES)
    messages = {message for _, message in EXPECTED.values()}
    for message in messages:
        assert [other for other in messages if message in other] == [message]


GENERATED: dict[str, tuple[Callable[[], str], str]] = {
    "larger than a megabyte": (
        lambda: POLICY + "%" * 1_000_000,
        "policy.lp: the file is larger than 1,000,000 bytes",
    ),
    "very many tokens": (
        lambda: POLICY + "a." * 100_000,
        "policy.lp:8:99926: more than 100,000 words, texts, numbers and signs",
    ),
    "very many statements": (
        lambda: POLICY + "own.\n" * 9_994,
        "policy.lp:10001:1: more than 10,000 statements, alternatives spelt out",
    ),
    "very many alternatives": (
        lambda: POLICY + f"own(({'; '.join('a' * 20_000)})).",
        "policy.lp:8:1: more than 10,000 statements, alternatives spelt out",
    ),
    "a word of a million characters": (
        lambda: POLICY + "a" * 900_000 + ".",
        "policy.lp:8:1: a word of more than 100 characters",
    ),
    "a text of a million characters": (
        lambda: POLICY + f'provision("T-1", "B", "{"x" * 900_000}").',
        "policy.lp:8:23: a text of more than 1,000 characters",
    ),
    "a number of a million digits": (
        lambda: POLICY + f"own({'1' * 900_000}).",
        "policy.lp:8:5: an integer above 1,000,000,000: clingo would wrap it silently",
    ),
    "a million parentheses": (
        lambda: POLICY + "(" * 900_000,
        "policy.lp:8:4: parentheses nested more than 3 deep",
    ),
    "very many negations": (
        lambda: POLICY + f"own :- {'not ' * 90_000} yes(responding).",
        "policy.lp:8:16: syntax error, unexpected not",
    ),
    "very many faults": (
        lambda: POLICY + "own :- missing.\n" * 1_000,
        "policy.lp:27:8: missing with 0 arguments is not defined",
    ),
    "a tree that is a maze": (
        lambda: (
            POLICY
            + "".join(f'criterion("T-1", "{i}", "B").\n' for i in range(200))
            + "".join(f'all_of("T-1", "{i}", "{i + 1}").\n' for i in range(199))
        ),
        "has parts nested more than 20 deep",
    ),
}


@pytest.mark.parametrize("name", GENERATED)
def test_a_file_without_measure_is_refused(name: str, tmp_path: Path) -> None:
    text, message = GENERATED[name]
    with pytest.raises(KnowledgeBaseError) as raised:
        KnowledgeBase.load(write(tmp_path, text()))
    assert message in str(raised.value)
    assert len(str(raised.value)) < 10_000


def time_bomb() -> str:
    """Ask for a cycle of odd length in a graph of two halves: there is none among 10**10 paths."""
    left, right = "; ".join(map(str, range(49))), "; ".join(map(str, range(50, 99)))
    edges = f"edge(({left}), ({right})).\nedge(({right}), ({left})).\n"
    path = ", ".join(f"edge({a}, {b})" for a, b in zip("ABCDEFG", "BCDEFGA", strict=True))
    return f"{POLICY}{edges}odd_cycle :- {path}.\n"


def test_a_time_bomb_is_stopped(tmp_path: Path) -> None:
    write(tmp_path, time_bomb(), "a_bomb.lp")
    write(tmp_path, "% nothing\n", "other.lp")
    begun = time.monotonic()
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders([tmp_path], seconds=2)
    assert time.monotonic() - begun < 6
    assert "a_bomb.lp: grounding took more than 2 seconds and was stopped" in str(raised.value)
    assert "other.lp: the file states no policy" in str(raised.value)


def test_a_memory_bomb_is_stopped(tmp_path: Path) -> None:
    shutil.copy(HOSTILE / "rules_without_end.lp", tmp_path / "a_bomb.lp")
    write(tmp_path, "% nothing\n", "other.lp")
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders([tmp_path], memory=120 << 20)
    assert "a_bomb.lp: grounding needed more than 120 MiB or crashed" in str(raised.value)
    assert "other.lp: the file states no policy" in str(raised.value)


def test_a_time_bomb_in_a_vocabulary_is_blamed_on_that_vocabulary(tmp_path: Path) -> None:
    write(tmp_path, POLICY)
    names = "; ".join(f"d{number}" for number in range(3_000))
    bomb = f'drug(({names}), "Drug").\ndrug(x, "X") :- drug(A, T), drug(B, T), drug(C, T), A = x.\n'
    write(
        tmp_path,
        bomb + 'drug(y, "Y") :- drug(A, T), drug(B, T), drug(C, T), not drug(A, B).\n',
        "vocabulary/bomb.lp",
    )
    with pytest.raises(KnowledgeBaseError) as raised:
        load_folders([tmp_path], seconds=1.5)
    assert "vocabulary/bomb.lp: grounding took more than 1.5 seconds" in str(raised.value)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


NO_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": a_pipe,
    "a socket": a_socket,
    "a folder": Path.mkdir,
    "a link to an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a folder": lambda path: path.symlink_to(path.parent),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    write(tmp_path, POLICY)
    NO_FILES[kind](tmp_path / "x.lp")
    begun = time.monotonic()
    assert refused(tmp_path) == {"x.lp": [("x.lp", "this is no regular file")]}
    assert time.monotonic() - begun < 5


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, POLICY)
    opened = os.open

    def denied(path: str | Path, flags: int, *rest: int) -> int:
        if Path(path).name == "policy.lp":
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", denied)  # file modes do not stop a superuser
    assert refused(tmp_path) == {
        "policy.lp": [("policy.lp", "this cannot be read: Permission denied")]
    }


def test_the_name_of_a_file_cannot_forge_a_message(tmp_path: Path) -> None:
    write(tmp_path, "", "x\nforged.lp")
    (tmp_path / "\udcff.lp").write_bytes(b"")
    with pytest.raises(KnowledgeBaseError) as raised:
        KnowledgeBase.load(tmp_path)
    assert len(str(raised.value).splitlines()) == 2
    assert str(raised.value).encode()


def test_folders_nested_a_thousand_deep_are_searched(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    made = []
    for _ in range(1_100):
        os.mkdir("d", dir_fd=here)
        made.append(here)
        here = os.open("d", os.O_RDONLY, dir_fd=here)
    with pytest.raises(KnowledgeBaseError, match="no policy file"):
        KnowledgeBase.load(tmp_path)
    os.close(here)
    for folder in reversed(made):
        os.rmdir("d", dir_fd=folder)
        os.close(folder)


def test_two_files_cannot_state_the_same_policy(tmp_path: Path) -> None:
    write(tmp_path, POLICY, "a.lp")
    write(tmp_path, POLICY, "b.lp")
    ((_, message),) = refused(tmp_path)["b.lp"]
    assert message.startswith("policy 'T-1' is also stated in ")
    assert message.endswith("a.lp")


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="missing: no such folder"):
        KnowledgeBase.load(tmp_path / "missing")
    with pytest.raises(KnowledgeBaseError, match=r"no policy file \(\.lp\) in it"):
        KnowledgeBase.load(tmp_path)


TRICKY = r"""
% "an open quote, a #script (python), an #include "x", a %* and an @x do no harm in a comment
provision("T-1", "B", "100 % of {these} @marks & #script (python) | :- 1/0 .. %* not a comment *%").
provision("T-1", "C", "a \"quoted\" word, a back\\slash and\na second line; #end. 'so'").%"
provision("T-1", "D", "-2147483648 / -1 < 99999999999").% #minimize
own_rule :- yes(responding).% one more, without an end of line"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_only_looks_dangerous_is_accepted(line_end: str, tmp_path: Path) -> None:
    (tmp_path / "policy.lp").write_bytes((POLICY + TRICKY).replace("\n", line_end).encode("ascii"))
    policy = KnowledgeBase.load(tmp_path).policies["T-1"]
    texts = {
        section: text for _, section, text in policy.versions[0].program.arguments("provision")
    }
    assert texts == {
        "B": "100 % of {these} @marks & #script (python) | :- 1/0 .. %* not a comment *%",
        "C": "a \"quoted\" word, a back\\slash and\na second line; #end. 'so'",
        "D": "-2147483648 / -1 < 99999999999",
    }


def test_a_vocabulary_may_add_facts_and_drugs(tmp_path: Path) -> None:
    write(tmp_path, POLICY + 'met("T-1", "A") :- at_least(weight, "40.5").\n')
    write(
        tmp_path,
        'fact(weight, number, wait).\ntitle(weight, "Weight").\nquestion(weight, "How heavy?").\n'
        'unit(weight, "kg").\nrange(weight, 1, 500).\ndecimals(weight, 1).\n',
        "vocabulary/weight.lp",
    )
    assert KnowledgeBase.load(tmp_path).vocabulary.facts["weight"].highest == 5_000


ALPHABET = (
    *('policy("T-1", "Payer", ixazomib, "A policy").', *POLICY.splitlines()),
    *('reference("T-1", label, ixazomib, "A label").', "supports", "statement", "category"),
    *("met", "criterion", "version", "choice", "is", "at_least", "own", "not", "X", "_", "Y"),
    *("age", "request", "initial", "ixazomib", "regimen", "includes", "any_of", "impossible"),
    *('"T-1"', '"A"', '"2024-01-01"', '"2.3"', '"\\n"', "0", "1", "18", "1000000000"),
    *("(", ")", ",", ";", ".", ":-", "=", "!=", " ", "\n", "% comment\n", "(a; b)"),
)
REFUSED_WORDS = ("#", "&", "@", "{", "}", "|", "..", ":", "<", "-", "*", "'", '"', "\\", "%*", "\r")


def check_here(content: bytes, vocabulary: Vocabulary) -> None:
    """Take a file through the gate, the parser and the check, without grounding it."""
    try:
        rules = parse(read_policy_text(content, "soup.lp"), "soup.lp")
        FileCheck("soup.lp", rules, vocabulary).policy()
        FileCheck("soup.lp", rules, vocabulary).reference()
        FileCheck("soup.lp", rules, NO_VOCABULARY).vocabulary_statements()
        FileCheck("soup.lp", rules, vocabulary).contradictions()
    except KnowledgeBaseError as error:
        assert str(error).startswith("soup.lp:")  # noqa: PT017  - either way is right


tokens = st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join)
dirty_tokens = st.lists(st.sampled_from(ALPHABET + REFUSED_WORDS), max_size=30).map(" ".join)
soup = st.one_of(tokens, dirty_tokens, tokens.map(lambda text: POLICY + text))


@settings(max_examples=600, deadline=None)
@given(text=soup)
def test_token_soup_is_refused_or_checked_and_never_raises_anything_else(
    text: str, packaged: KnowledgeBase
) -> None:
    check_here(text.encode("ascii"), packaged.vocabulary)


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=200), before=st.sampled_from([b"", POLICY.encode()]))
def test_random_bytes_are_refused_or_checked_and_never_raise_anything_else(
    content: bytes, before: bytes, packaged: KnowledgeBase
) -> None:
    check_here(before + content, packaged.vocabulary)


def rule_soup() -> st.SearchStrategy[str]:
    """Rules that parse, of the language's own predicates and a few others."""
    terms = st.sampled_from(
        ['"T-1"', '"A"', '"B"', "X", "Y", "_", "age", "18", "initial", "regimen", '"2024-01-01"']
    )
    names = st.sampled_from(
        (
            *(
                "met",
                "criterion",
                "any_of",
                "none_of",
                "own",
                "other",
                "at_least",
                "includes",
                "is",
            ),
            *("applies", "approved", "since", "reads", "choice", "reading", "pathway", "advises"),
        )
    )
    atoms = st.builds(
        lambda name, arguments: f"{name}({', '.join(arguments)})",
        names,
        st.lists(terms, min_size=1, max_size=3),
    )
    literals = st.builds(lambda sign, atom: sign + atom, st.sampled_from(["", "not "]), atoms)
    rules = st.builds(
        lambda head, body: f"{head} :- {', '.join(body)}.\n" if body else f"{head}.\n",
        atoms,
        st.lists(literals, max_size=3),
    )
    return st.lists(rules, max_size=5).map(lambda found: POLICY + "".join(found))


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.one_of(soup, rule_soup()), min_size=20, max_size=20))
def test_a_folder_of_soup_is_loaded_or_refused_in_its_own_process(
    texts: list[str], tmp_path: Path
) -> None:
    for number, text in enumerate(texts):
        write(tmp_path, text.replace("T-1", f"T-{number}"), f"{number}.lp")
    try:
        KnowledgeBase.load(tmp_path)
    except KnowledgeBaseError as error:
        assert "crashed" not in str(error)  # noqa: PT017  - either way is right
