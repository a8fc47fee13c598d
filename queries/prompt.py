"""The prompt: queries typed one after another, with completion, hints, history and help."""

import os
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console
from rich.text import Text

from engine.relation import Database, Value
from engine.relations.database import NoCasesError
from facts.case import Case
from facts.errors import PolicygroundsError, QueryError, did_you_mean
from queries.case_files import CaseFiles, read_case_files
from queries.completion import COMMANDS, QueryCompleter, hint
from queries.datalog import Limits, ask
from queries.datalog.parsing import parse_query
from queries.datalog.syntax import Source
from queries.phrases import counted
from queries.printing import print_line, printable
from queries.saved import SavedQuery, as_saved, library, named
from queries.shell import working
from queries.tables import show_answer
from queries.terminal_queries import show_queries, show_relation, show_relations

MOST_SHOWN = 200
"""Rows shown of an answer; a query can say limit, and the command writes files."""
_SLOW = frozenset({"route", "finding", "change"})
"""Domains whose values take seconds to find, which is too long while somebody types."""
_EXAMPLE = "approves(Policy, Route, multiple_myeloma), contains(Route, pomalidomide)"


class Prompt:
    """A conversation: the cases asked about, and what is typed until it ends.

    `open_database` returns the database about some cases.
    """

    def __init__(
        self,
        open_database: Callable[[Sequence[Case] | None], Database],
        cases: CaseFiles | None,
        limits: Limits,
        console: Console,
    ) -> None:
        self._open = open_database
        self._limits = limits
        self._console = console
        self._ask_about(cases)

    def _ask_about(self, cases: CaseFiles | None) -> None:
        """Ask about cases from now on; say what is wrong with them."""
        self._cases = cases
        self._database = self._open(None if cases is None else cases.cases)
        if cases is not None:
            print_line(self._console, 0, f"{counted(len(cases.cases), 'case')} read")
            for problem in cases.problems_in(self._database):
                self._complain(problem)

    def run(self) -> None:
        """Ask for queries and answer them, until there are no more."""
        print_line(self._console, 0, "Type a query, such as ", (_EXAMPLE, "cyan"))
        print_line(self._console, 0, "help explains; Tab completes; quit ends.")
        session = self._session()
        while True:
            try:
                typed = session.prompt("> ")
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if typed.strip() == "quit":
                return
            try:
                self._answer(typed)
            except KeyboardInterrupt:
                print_line(self._console, 0, "Stopped.")
            except (PolicygroundsError, OSError) as error:
                self._complain(str(error))

    def _session(self) -> PromptSession[str]:
        return PromptSession(
            history=history(),
            completer=QueryCompleter(self._database.relations, library(), self._values),
            complete_while_typing=False,
            key_bindings=_keys(),
            multiline=True,
            prompt_continuation="  ",
            bottom_toolbar=self._hint,
        )

    def _hint(self) -> StyleAndTextTuples:
        before = get_app().current_buffer.document.text_before_cursor
        return hint(before, self._database.relations)

    def _values(self, domain: str) -> Collection[Value]:
        """Return the values of a domain, none of one that takes long."""
        return () if domain in _SLOW else self._database.values(domain)

    def _answer(self, typed: str) -> None:
        """Do what was typed: a command, or a query."""
        command, _, rest = typed.strip().partition(" ")
        if command not in COMMANDS:
            if typed.strip():
                self._show(as_saved("query", typed, "query"), {})
            return
        words = shlex.split(rest) if _is_quoted_well(rest) else rest.split()
        if command == "help":
            self._help(words)
        elif command == "list":
            show_queries(self._console, library().values(), self._database.relations)
        elif command == "cases":
            self._ask_about(read_case_files(map(Path, words)) if words else None)
        elif command == "run":
            self._run(words)

    def _help(self, words: Sequence[str]) -> None:
        """Explain what can be typed, or a relation."""
        relations = self._database.relations
        if not words:
            show_relations(self._console, relations.values())
            self._console.print()
            print_line(self._console, 0, "A query joins relations by its variables: ", _EXAMPLE)
            for command, meaning in COMMANDS.items():
                print_line(self._console, 2, (command.ljust(8), "bold"), meaning)
        for name in words:
            if name not in relations:
                meant = did_you_mean(name, relations)
                raise PolicygroundsError(f"relation {name!r} is unknown{meant}")
            show_relation(self._console, relations[name])

    def _run(self, words: Sequence[str]) -> None:
        """Ask a saved query."""
        if not words:
            raise PolicygroundsError("run needs the name of a saved query; list lists them")
        settings = [word.partition("=") for word in words[1:]]
        for name, equals, _ in settings:
            if not equals:
                raise PolicygroundsError(f"run {words[0]}: expected PARAMETER=VALUE, not {name!r}")
        self._show(named(words[0]), {name: value for name, _, value in settings})

    def _show(self, saved: SavedQuery, values: dict[str, str]) -> None:
        """Answer a query with a table."""
        try:
            with working("Answering"):
                answer = ask(
                    self._database,
                    saved.text,
                    parameters=values,
                    source=saved.source,
                    limits=self._limits,
                )
        except NoCasesError as error:
            raise PolicygroundsError(f"{error}; name a file of them with: cases FILE") from None
        shown = replace(answer, rows=answer.rows[:MOST_SHOWN])
        show_answer(self._console, shown, of=len(answer))

    def _complain(self, message: str) -> None:
        for line in message.splitlines():
            text = Text(printable(line), "red")  # a mark stands below what it marks: no wrapping
            self._console.print(text, no_wrap=True, overflow="ignore", crop=False)


def _is_quoted_well(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def _keys() -> KeyBindings:
    """Bind Enter: it takes a completion, asks a query that is complete, or begins a line."""
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion:
            buffer.complete_state = None
        elif is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def is_complete(typed: str) -> bool:
    """Whether what was typed is to be answered: not if it is a query that only lacks its end.

    An empty line ends it all the same.
    """
    if not typed.strip() or typed.endswith("\n") or typed.split(maxsplit=1)[0] in COMMANDS:
        return True
    try:
        parse_query(Source("query", typed))
    except QueryError as error:
        *lines, last = typed.split("\n")
        end = (len(lines) + 1, len(last) + 1)
        return any((problem.line, problem.column) != end for problem in error.problems)
    return True


def history() -> History:
    """Return the history in the user's state folder; none is kept if it cannot be written there."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    file = Path(state).expanduser() / "policygrounds" / "queries"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        with file.open("a"):
            pass
    except (OSError, RuntimeError):
        return InMemoryHistory()
    return FileHistory(str(file))
