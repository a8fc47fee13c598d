"""Completion of queries as they are typed: relations, values of their columns, words; and hints."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples

from engine.datalog import Function
from engine.relation import Column, Relation, Value
from queries.saved import SavedQuery

COMMANDS = {
    "help": "what can be typed here; help RELATION describes a relation",
    "list": "list the saved queries",
    "run": "run NAME PARAMETER=VALUE ... asks a saved query",
    "cases": "cases FILE ... asks about the cases in these files from now on",
    "quit": "leave",
}
"""What can be typed besides queries, with what it does."""
_WORDS = {
    "not": "there is no such row",
    "sort by": "sort the answer: sort by A desc, B",
    "limit": "give the first rows alone: limit 10",
    **{f"{function}(": f"N = {function}(...)" for function in Function},
}
_TOKEN = re.compile(r'%[^\n]*|"(?:[^"\\\n]|\\.)*"?|[$\w]+|\S')
_WORD = re.compile(r"[a-z][A-Za-z0-9_]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Z]\w*", re.ASCII)
_MOST_VALUES = 300
"""Values offered at once."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a query a cursor is: the atom it is in, at which of its terms, and the word begun."""

    relation: str | None
    position: int
    begun: str


def spot(before: str) -> Spot:
    """Tell where the end of a text is in the query it begins."""
    relation: str | None = None
    position = 0
    previous = begun = ""
    for token in _TOKEN.finditer(before):
        text = token[0]
        if text == "(" and _WORD.fullmatch(previous):
            relation, position = previous, 0
        elif text == ")":
            relation = None
        elif text == ",":
            position += 1
        previous = text
        is_open = text[0] not in '"%' or (text[0] == '"' and not _is_closed(text))
        at_end = token.end() == len(before)
        begun = text if at_end and is_open and (text[0] == '"' or text[0].isalnum()) else ""
        if at_end and text[0] == "%":
            return Spot(None, 0, "%")
    return Spot(relation, position, begun)


def _is_closed(text: str) -> bool:
    return len(text) > 1 and text.endswith('"')


def hint(before: str, relations: Mapping[str, Relation]) -> StyleAndTextTuples:
    """Return what the relation around the end of a text says, the column at it in bold."""
    at = spot(before)
    relation = relations.get(at.relation or "")
    if relation is None:
        return [("", "Enter asks; Alt-Enter begins a line; help explains")]
    parts: StyleAndTextTuples = [("", f"{relation.name}(")]
    for position, column in enumerate(relation.columns):
        parts += [("", ", ")] if position else []
        parts.append(("bold" if position == at.position else "", column.name))
    return [*parts, ("", f")  {relation.meaning}")]


class QueryCompleter(Completer):
    """Completes what is typed at the prompt.

    `values` returns the values of a domain that can be offered at once.
    """

    def __init__(
        self,
        relations: Mapping[str, Relation],
        saved: Mapping[str, SavedQuery],
        values: Callable[[str], Collection[Value]],
    ) -> None:
        self._relations = relations
        self._saved = saved
        self._values = values

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield what could stand at the cursor."""
        before = document.text_before_cursor
        command, space, rest = before.lstrip().partition(" ")
        if space and command in COMMANDS and not rest.lstrip().startswith("("):
            yield from self._argument(command, rest, complete_event)
            return
        at = spot(before)
        if at.begun == "%":
            return
        relation = self._relations.get(at.relation or "")
        if relation is None:
            yield from self._between(at.begun, is_first=before.strip() == at.begun)
        elif at.position < len(relation.columns):
            yield from self._term(relation.columns[at.position], at.begun, document.text)

    def _argument(self, command: str, rest: str, event: CompleteEvent) -> Iterator[Completion]:
        """Complete what follows a command."""
        begun = rest.rpartition(" ")[2]
        if command == "help":
            yield from _matching(
                begun, ((name, _columns(each)) for name, each in self._relations.items())
            )
        elif command == "run" and begun == rest:
            yield from _matching(
                begun, ((name, each.sentence) for name, each in self._saved.items())
            )
        elif command == "run":
            saved = self._saved.get(rest.split(maxsplit=1)[0])
            parameters = saved.parameters if saved else ()
            yield from _matching(begun, ((f"{each.name}=", each.meaning) for each in parameters))
        elif command == "cases":
            yield from PathCompleter(expanduser=True).get_completions(Document(begun), event)

    def _between(self, begun: str, *, is_first: bool) -> Iterator[Completion]:
        """Complete what stands between atoms."""
        if is_first:
            yield from _matching(begun, COMMANDS.items())
        yield from _matching(
            begun, ((f"{name}(", _columns(each)) for name, each in self._relations.items())
        )
        if not is_first:
            yield from _matching(begun, _WORDS.items())

    def _term(self, column: Column, begun: str, text: str) -> Iterator[Completion]:
        """Complete a term of an atom: a variable, or a value of the column."""
        named = column.name.title().replace("_", "")
        variables = dict.fromkeys([named, *_VARIABLE.findall(text)])
        variables.pop(begun, None)
        yield from _matching(begun, ((name, "variable") for name in variables))
        if column.domain is None:
            return
        asked = begun.removeprefix('"').lower()
        found = sorted(
            str(value)
            for value in self._values(column.domain)
            if str(value).lower().startswith(asked)
        )
        for value in found[:_MOST_VALUES]:
            yield Completion(constant(value), -len(begun), display_meta=column.domain)


def constant(value: str) -> str:
    """Write a text as a query does: a word as it is, anything else in quotes."""
    if _WORD.fullmatch(value) and value != "not":
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _columns(relation: Relation) -> str:
    return ", ".join(column.name for column in relation.columns)


def _matching(begun: str, offered: Iterable[tuple[str, str]]) -> Iterator[Completion]:
    """Yield those offered that begin like what is begun, with what they mean."""
    for text, meaning in offered:
        if text.startswith(begun) and text != begun:
            yield Completion(text, -len(begun), display_meta=meaning)
