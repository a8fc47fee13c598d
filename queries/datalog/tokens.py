"""Tokens: the words, texts, numbers and signs of a query.

Outside of quoted texts and comments everything is ASCII, so that nothing looks like what it is not.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from facts.errors import QueryError, QueryProblem
from queries.datalog.syntax import Place, Source

LONGEST_QUERY = 20_000
"""Characters."""
_LONGEST = {"word": 100, "variable": 100, "parameter": 100, "text": 1_000, "number": 40}
"""Characters."""
MOST_PROBLEMS = 20
"""Problems reported of one text."""


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    VARIABLE = "variable"
    ANYTHING = "anything"
    PARAMETER = "parameter"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `value` is a quoted text without its quotes, a parameter without its sign."""

    kind: Kind
    value: str
    place: Place


_TOKENS = re.compile(
    r"""
      (?P<space>[ \t\n]+|\r\n)
    | (?P<comment>%[^\n]*)
    | (?P<text>"(?:[^"\\\n]|\\["\\n])*")
    | (?P<badtext>"[^\n]*)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9_]))
    | (?P<badnumber>-?[0-9][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)
    | (?P<parameter>\$[a-z][A-Za-z0-9_]*)
    | (?P<variable>[A-Z][A-Za-z0-9_]*)
    | (?P<word>[a-z][A-Za-z0-9_]*)
    | (?P<anything>_(?![A-Za-z0-9_]))
    | (?P<badname>_[A-Za-z0-9_]+)
    | (?P<sign>:-|\?-|!=|<=|>=|==|=<|=>|<>|\\=|[(),.=<>])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.END}

_INSTEAD = {"==": "=", "=<": "<=", "=>": ">=", "<>": "!=", "\\=": "!="}
"""Signs of other languages."""

_REFUSED_KINDS = {
    "badtext": 'a text is not closed on its line, or holds a backslash that is not \\\\, \\" or \\n',
    "badnumber": "a number is digits, with a point before its decimals; a text stands in double quotes",
    "badname": "a variable begins with an uppercase letter, a word with a lowercase one; _ stands alone",
}

_REFUSED = {
    "'": 'texts stand in double quotes: "like this"',
    "$": "a parameter is $ and a name that begins with a lowercase letter, such as $drug",
    "~": "write not before an atom",
    "!": "write not before an atom, != between values",
    "&": "write , between the parts of a query",
    "|": "write one rule for each alternative",
    ";": "write , between the parts of a query, and one rule for each alternative",
    "#": "directives are not part of the query language; a comment begins with %",
    "@": "functions are not part of the query language",
    "[": "lists and functions are not part of the query language",
    "{": "sets and functions are not part of the query language",
    "/": "arithmetic is not part of the query language; a comment begins with %",
    "?": "write ?- before what is asked, or nothing",
    ":": "write :- between the head and the body of a rule",
    "\\": "a backslash stands in quoted texts only",
} | dict.fromkeys("+-*^", "arithmetic is not part of the query language")


def tokens_of(source: Source) -> list[Token]:
    """Split a text into tokens, the last of which is its end. Raises QueryError."""
    if len(source.text) > LONGEST_QUERY:
        message = f"the text is longer than {LONGEST_QUERY:,} characters"
        raise QueryError([QueryProblem(source.name, 1, 1, message)])
    tokens: list[Token] = []
    problems: list[QueryProblem] = []
    for match in _TOKENS.finditer(source.text):
        kind, text = match.lastgroup or "other", match.group()
        place = Place(*match.span())
        refusal = _refusal(kind, text)
        if refusal is not None and len(problems) < MOST_PROBLEMS:
            problems.append(source.problem(place, refusal))
        elif kind in _KINDS:
            tokens.append(Token(_KINDS[kind], _value(kind, text), place))
    if problems:
        raise QueryError(problems)
    end = Place(len(source.text), len(source.text))
    return [*tokens, Token(Kind.END, "", end)]


def _value(kind: str, text: str) -> str:
    if kind == "text":
        return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text[1:-1])
    return text.removeprefix("$") if kind == "parameter" else text


def _refusal(kind: str, text: str) -> str | None:
    """Say why a token is refused, if it is."""
    unseen = kind in ("comment", "text") and not text.rstrip("\r").replace("\t", " ").isprintable()
    message = None
    if kind in _REFUSED_KINDS:
        message = _REFUSED_KINDS[kind]
    elif kind == "other":
        message = _REFUSED.get(text) or _unknown(text)
    elif unseen:
        message = "a character that cannot be seen; take it out"
    elif kind == "number" and re.match(r"-?0[0-9]", text):
        message = "a number has no leading zeros; a text of digits stands in double quotes"
    elif kind in _LONGEST and len(text) > _LONGEST[kind]:
        message = f"a {kind} of more than {_LONGEST[kind]:,} characters"
    elif text in _INSTEAD:
        message = f"{text} is not part of the query language; write {_INSTEAD[text]}"
    return message


def _unknown(character: str) -> str:
    """Name a character that is no part of the language, or looks like one that is."""
    if character == "\0" or not character.isprintable():
        return f"a character that cannot be seen (U+{ord(character):04X}); take it out"
    if character.isascii():
        return f"{character} is not part of the query language"
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    return f"{character} ({name}) stands in quoted texts only; names are written in ASCII"
