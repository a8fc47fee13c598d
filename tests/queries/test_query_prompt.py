"""The prompt: what is typed, completed, asked and remembered."""

import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from engine.relation import Database
from policygrounds import Case, KnowledgeBase
from queries import prompt as prompts
from queries.completion import QueryCompleter, Spot, constant, hint, spot
from queries.datalog import Limits, ask
from queries.prompt import Prompt, history, is_complete
from queries.saved import library

EXAMPLES = Path(__file__).parents[2] / "examples"
ON = "2025-09-15"
ENTER, CONTROL_C, CONTROL_D, META_ENTER = "\r", "\x03", "\x04", "\x1b\r"
Typing = Callable[..., list[str]]


@pytest.fixture
def pipe() -> Iterator[PipeInput]:
    with create_pipe_input() as made, create_app_session(input=made, output=DummyOutput()):
        yield made


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def typed(kb: KnowledgeBase, pipe: PipeInput, state: Path) -> Typing:
    """Type keys at a prompt until it ends; return the lines it printed after the greeting."""
    assert state.is_dir()

    def type_keys(*keys: str) -> list[str]:
        console = Console(file=StringIO(), width=200)

        def database(cases: Sequence[Case] | None) -> Database:
            return kb.relations(cases, on=ON)

        pipe.send_text("".join(keys) + "quit" + ENTER)
        Prompt(database, None, Limits(), console).run()
        assert isinstance(console.file, StringIO)
        return [line.rstrip() for line in console.file.getvalue().splitlines()][2:]

    return type_keys


# Asking


def test_a_query_is_answered_when_enter_is_pressed(typed: Typing) -> None:
    assert typed("policy(P, Payer, _, _)", ENTER) == [
        "P            Payer",
        "5.21.071     FEP",
        "CP.PHAR.302  Centene",
        "",
        "2 rows",
    ]


def test_a_query_goes_on_over_lines_until_it_is_complete(typed: Typing) -> None:
    keys = ("policy(P, Payer,", ENTER, "_, _),", ENTER, 'Payer = "FEP"', ENTER)
    assert typed(*keys)[1] == "5.21.071  FEP"


def test_alt_enter_begins_a_line_where_a_query_could_end(typed: Typing) -> None:
    keys = (
        "on(P) :- policy(P, _, ixazomib, _).",
        META_ENTER,
        "x(P) :- on(P), not serves(P, _, fep).",
    )
    assert typed(*keys, ENTER)[:2] == ["P", "CP.PHAR.302"]


def test_an_error_shows_the_place_and_the_prompt_goes_on(typed: Typing) -> None:
    shown = typed("polcy(P, _, _, _)", ENTER, "drug(venetoclax, _)", ENTER)
    assert shown == [
        "query:1:1: relation 'polcy' is unknown; did you mean 'policy'?",
        "    polcy(P, _, _, _)",
        "    ^^^^^",
        "yes",
    ]


def test_a_mark_stays_below_its_place_in_a_narrow_terminal(kb: KnowledgeBase) -> None:
    console = Console(file=StringIO(), width=30)
    prompt = Prompt(lambda cases: kb.relations(cases, on=ON), None, Limits(), console)
    prompt._complain("query:1:60: what is wrong\n    " + "a" * 60 + "\n    " + " " * 59 + "^")
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().splitlines()[2] == " " * 63 + "^"


def test_an_empty_line_ends_a_query_that_is_not_complete(typed: Typing) -> None:
    shown = typed("policy(P,", ENTER, ENTER)
    assert "expected" in shown[0]


def test_control_c_forgets_what_is_typed_and_control_d_leaves(
    typed: Typing,
) -> None:
    assert typed("policy(", CONTROL_C, "drug(venetoclax, _)", ENTER, CONTROL_D) == ["yes"]


def test_control_c_stops_a_running_query_and_not_the_prompt(
    typed: Typing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def interrupted(database: Database, text: str, **_: object) -> object:
        asked.append(text)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return ask(database, text)

    monkeypatch.setattr(prompts, "ask", interrupted)
    assert typed("drug(D, _)", ENTER, "drug(venetoclax, _)", ENTER) == ["Stopped.", "yes"]


def test_long_answers_are_cut_and_it_is_said(typed: Typing, kb: KnowledgeBase) -> None:
    count = len(kb.relations(on=ON).rows("requires_value"))
    shown = typed("requires_value(D, V, S, F, C, X)", ENTER)
    assert shown[-1] == f"{prompts.MOST_SHOWN} of {count} rows"
    assert len(shown) == prompts.MOST_SHOWN + 3


# Commands


def test_help_explains_commands_relations_and_one_of_them(typed: Typing) -> None:
    shown = typed("help", ENTER)
    assert "    contains(route, drug)" in shown
    assert "  quit    leave" in shown
    assert typed("help contains", ENTER)[0] == "contains(route, drug)"
    assert typed("help contain", ENTER) == [
        "relation 'contain' is unknown; did you mean 'contains'?"
    ]


def test_saved_queries_are_listed_and_run_with_their_parameters(typed: Typing) -> None:
    shown = typed("list", ENTER)
    assert all(any(line.startswith(f"{name}  ") for line in shown) for name in library())
    assert typed("run sections_asking fact=t_11_14", ENTER)[-1] == "1 row"
    assert typed('run sections_asking "fact=t_11_14"', ENTER)[-1] == "1 row"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run", "run needs the name of a saved query"),
        ("run sections_askin", "did you mean 'sections_asking'?"),
        ("run sections_asking t_11_14", "expected PARAMETER=VALUE, not 't_11_14'"),
        ("run sections_asking", "sections_asking.dl"),
        ("run sections_asking fact=t_11_15", "did you mean 't_11_14'?"),
        ('run sections_asking fact="', "sections_asking.dl"),
        ("determined(C, _, _, _)", "name a file of them with: cases FILE"),
        ("cases nowhere.json", "nowhere.json: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_prompt_goes_on(
    typed: Typing, line: str, said: str
) -> None:
    shown = typed(line, ENTER, "drug(venetoclax, _)", ENTER)
    assert said in "\n".join(shown)
    assert shown[-1] == "yes"


def test_cases_are_read_while_the_conversation_goes_on(typed: Typing, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    good = {"id": "good", "policy": "5.21.071", "on": ON, "facts": {"age": 12}}
    file.write_text(json.dumps([good, {**good, "id": "bad", "facts": {"agee": 1}}]))
    shown = typed(f"cases {file}", ENTER, "determined(C, _, _, O)", ENTER)
    assert shown[0] == "2 cases read"
    assert shown[1].startswith(f"{file}, case 2: case bad: ")
    assert shown[3:] == ["good  deny", "", "1 row"]


def test_a_relation_named_like_a_command_can_be_asked(typed: Typing) -> None:
    assert "relation 'list' is unknown" in typed("list(X)", ENTER)[0]


# Completeness


@pytest.mark.parametrize(
    "text",
    ["", "quit", "help policy", "drug(D, _)", "drug(D, _).", "drug(D,\n", "drug(D, _) limit 3"],
)
def test_what_is_complete_is_answered(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize(
    "text",
    ["drug(", "drug(D", "drug(D, _),", "not", "x(D) :- drug(D, _), D =", "drug(D, _) sort by"],
)
def test_what_only_lacks_its_end_is_not(text: str) -> None:
    assert not is_complete(text)


def test_what_is_wrong_before_its_end_is_answered_with_the_error() -> None:
    assert is_complete("drug(D;")


# Completion


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", Spot(None, 0, "")),
        ("pol", Spot(None, 0, "pol")),
        ("policy(", Spot("policy", 0, "")),
        ("policy(P, ", Spot("policy", 1, "")),
        ('policy(P, "a, (b', Spot("policy", 1, '"a, (b')),
        ('policy(P, "a, (b", ', Spot("policy", 2, "")),
        ("policy(P, X), dr", Spot(None, 0, "dr")),
        ("drug(D, _), not code(ix", Spot("code", 0, "ix")),
        ("N = count(", Spot("count", 0, "")),
        ("% a comment (", Spot(None, 0, "%")),
    ],
)
def test_the_place_of_the_cursor_is_known(before: str, expected: Spot) -> None:
    found = spot(before)
    assert (found.relation, found.begun) == (expected.relation, expected.begun)
    assert found.relation is None or found.position == expected.position


@pytest.fixture
def completions(kb: KnowledgeBase) -> Callable[[str], dict[str, str]]:
    database = kb.relations(on=ON)
    completer = QueryCompleter(database.relations, library(), database.values)

    def complete(before: str) -> dict[str, str]:
        found = completer.get_completions(Document(before), CompleteEvent())
        return {each.text: each.display_meta_text for each in found}

    return complete


Completing = Callable[[str], dict[str, str]]


def test_relations_are_completed_with_their_columns(completions: Completing) -> None:
    assert completions("contai") == {"contains(": "route, drug"}
    assert "approves(" in completions("drug(D, _), not ")


def test_constants_of_the_domain_of_a_column_are_completed(completions: Completing) -> None:
    assert {"pomalidomide", "Drug"} <= completions("contains(R, ").keys()
    assert completions("contains(R, pom") == {"pomalidomide": "drug"}
    assert completions("policy(CP") == {'"CP.PHAR.302"': "document"}
    assert completions('policy("CP') == {'"CP.PHAR.302"': "document"}
    assert '"5.21.071"' in completions("policy(")


def test_variables_of_the_query_are_completed(completions: Completing) -> None:
    assert "Which" in completions("drug(Which, _), code(")


def test_commands_saved_queries_and_their_parameters_are_completed(
    completions: Completing,
) -> None:
    assert "list" in completions("li")
    assert completions("run drug") == {"drug_codes": library()["drug_codes"].sentence}
    assert completions("run drug_codes ") == {"drug=": "the drug"}
    assert completions("help cont").keys() == {"contains", "contradicts", "contradiction"}
    assert "sort by" in completions("drug(D, _) so")


def test_nothing_is_completed_in_a_comment_or_beyond_the_columns(completions: Completing) -> None:
    assert completions("% con") == {}
    assert completions("contains(R, D, ") == {}


def test_the_hint_names_the_columns_and_marks_the_one_at_the_cursor(kb: KnowledgeBase) -> None:
    relations = kb.relations(on=ON).relations
    marked = [text for style, text, *_ in hint("contains(R, ", relations) if style == "bold"]
    assert marked == ["drug"]
    shown = "".join(text for _, text, *_ in hint("contains(R, ", relations))
    assert shown == f"contains(route, drug)  {relations['contains'].meaning}"
    assert hint("", relations)[0][1].startswith("Enter asks")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("ixazomib", "ixazomib"),
        ("not", '"not"'),
        ("I.A.5", '"I.A.5"'),
        ('a "b"', '"a \\"b\\""'),
        ("a\\b", '"a\\\\b"'),
        ("Upper", '"Upper"'),
    ],
)
def test_a_constant_is_written_as_a_query_has_it(value: str, written: str) -> None:
    assert constant(value) == written


# History


def test_what_was_typed_is_remembered_in_the_state_folder_for_its_owner_alone(
    typed: Typing, state: Path
) -> None:
    typed("drug(venetoclax, _)", ENTER)
    file = state / "policygrounds" / "queries"
    assert "drug(venetoclax, _)" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_without_a_folder_to_write_to_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert isinstance(history(), InMemoryHistory)
