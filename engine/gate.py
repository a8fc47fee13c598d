"""The gate every policy file passes before clingo sees a byte of it.

clingo runs scripts, reads any file through `#include`, stops silently at a NUL, wraps integers at
32 bits, and can be crashed by deep nesting. So a file is first split into the few tokens the
policy language has; whatever is not one of them is refused, with a sentence that says why.
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from itertools import islice

from facts.errors import FileProblem, KnowledgeBaseError

LARGEST_FILE = 1_000_000
"""Bytes; the packaged policies are below 40,000."""
MOST_TOKENS = 100_000
"""Words, texts, numbers and signs of a file; the packaged policies have below 10,000."""
LONGEST_WORD = 100
LONGEST_TEXT = 1_000
"""Characters; error messages and answers repeat words and texts."""
LARGEST_INTEGER = 1_000_000_000
"""clingo's integers wrap around at 2**31."""
DEEPEST_NESTING = 3
"""Parentheses: the arguments of a statement, and alternatives within them."""
MOST_PROBLEMS = 20
"""Problems reported of one file."""

_BYTE_ORDER_MARKS = (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)
_CONTROL_CHARACTER = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")

_TOKENS = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<blockcomment>%\*)
    | (?P<comment>%[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\["\\n])*")
    | (?P<badstring>")
    | (?P<script>\#script\b)
    | (?P<include>\#include\b)
    | (?P<theory>\#theory\b)
    | (?P<show>\#(?:show|project|const|defined|program|external|edge|heuristic)\b)
    | (?P<optimize>\#(?:minimize|maximize|minimise|maximise)\b|:~)
    | (?P<aggregate>\#(?:count|sum\+?|min|max)\b)
    | (?P<constant>\#(?:true|false|inf|infimum|sup|supremum)\b)
    | (?P<directive>\#[A-Za-z_]*)
    | (?P<external>@)
    | (?P<theoryatom>&)
    | (?P<choice>[{}])
    | (?P<disjunction>\|)
    | (?P<interval>\.\.)
    | (?P<rule>:-)
    | (?P<conditional>:)
    | (?P<inequality>!=)
    | (?P<order><=|>=|<|>)
    | (?P<equality>=)
    | (?P<integer>[0-9][0-9A-Za-z_']*(?:\.[0-9]+)?)
    | (?P<word>[_']*[A-Za-z][A-Za-z0-9_']*)
    | (?P<anonymous>_+)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<separator>[,;.])
    | (?P<arithmetic>[-+*/\\^?~!])
    | (?P<other>.)
    """,
    re.VERBOSE,
)

_REFUSED = {
    "blockcomment": "block comments are not allowed; start every comment line with %",
    "badstring": 'a text is not closed on its line, or holds a backslash that is not \\\\, \\" or \\n',
    "script": "scripts are not allowed: a policy is data and runs no code",
    "include": "#include is not allowed: a policy is one file and reads no other",
    "theory": "theories are not part of the policy language",
    "show": "directives are not part of the policy language",
    "optimize": "optimization is not allowed: a policy decides, it does not prefer",
    "aggregate": "aggregates are not part of the policy language; use at_least_of to count parts",
    "constant": "#true, #false, #inf and #sup are not part of the policy language",
    "directive": "directives are not part of the policy language",
    "external": "external functions (@) are not allowed: a policy runs no code",
    "theoryatom": "theory atoms (&) are not part of the policy language",
    "choice": "choices and aggregates ({}) are not allowed: a policy never guesses",
    "disjunction": "disjunctions (|) are not allowed: a policy never guesses",
    "interval": "intervals (..) are not part of the policy language; list the values",
    "conditional": "conditional literals (:) are not part of the policy language",
    "order": "order comparisons are not part of the policy language; compare facts with at_least, at_most, more_than or less_than, and dates with since or before",
    "arithmetic": "arithmetic and classical negation are not part of the policy language",
    "other": "this character is not part of the policy language",
}


def read_policy_text(content: bytes, file: str) -> str:
    """Return the text of a policy file, or raise KnowledgeBaseError with all that is refused."""
    if len(content) > LARGEST_FILE:
        raise _refusal(file, f"the file is larger than {LARGEST_FILE:,} bytes")
    if content.startswith(_BYTE_ORDER_MARKS):
        raise _refusal(file, "the file begins with a byte order mark; save it as plain ASCII", 1)
    if b"\0" in content:
        line = _line(content, content.index(b"\0"))
        raise _refusal(file, "a NUL byte: clingo would stop reading here", line)
    control = _CONTROL_CHARACTER.search(content)
    if control:
        line = _line(content, control.start())
        raise _refusal(
            file, "a control character: it is read otherwise than an editor shows it", line
        )
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        line = _line(content, error.start)
        raise _refusal(file, "a byte that is not ASCII; spell the text in ASCII", line) from None
    problems = list(islice(_refused(text, file), MOST_PROBLEMS))
    if problems:
        raise KnowledgeBaseError(problems)
    return text


def _refused(text: str, file: str) -> Iterator[FileProblem]:
    """Find what is refused, one problem a line: the first is often the cause of the rest."""
    depth = tokens = refused = 0
    line, line_start = 1, 0
    for match in _TOKENS.finditer(text):
        kind, token = match.lastgroup or "other", match.group()
        column = match.start() - line_start + 1
        message = _REFUSED.get(kind) or _misspelt(kind, token)
        tokens += kind not in ("space", "comment")
        depth += (kind == "open") - (kind == "close")
        if kind == "open" and depth == DEEPEST_NESTING + 1:
            message = f"parentheses nested more than {DEEPEST_NESTING} deep"
        if tokens > MOST_TOKENS:
            message = f"more than {MOST_TOKENS:,} words, texts, numbers and signs"
        if message is not None and line != refused:
            refused = line
            yield FileProblem(file, line, column, message)
        if kind in ("blockcomment", "badstring", "script") or tokens > MOST_TOKENS:
            return
        breaks = token.count("\n")
        if breaks:
            line += breaks
            line_start = match.start() + token.rindex("\n") + 1


def _misspelt(kind: str, token: str) -> str | None:
    """Say what is wrong with a number, word or text that clingo reads otherwise, or that is huge."""
    if kind == "integer" and not re.fullmatch(r"0|[1-9][0-9]*", token):
        return 'a number is written in digits, without leading zeros; one with decimals as a text: "2.3"'
    if kind == "integer" and (len(token) > LONGEST_WORD or int(token) > LARGEST_INTEGER):
        return f"an integer above {LARGEST_INTEGER:,}: clingo would wrap it silently"
    if kind == "word" and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", token):
        return "a word begins with a letter and holds letters, digits and _ only"
    if kind == "word" and len(token) > LONGEST_WORD:
        return f"a word of more than {LONGEST_WORD} characters"
    if kind == "string" and len(token) > LONGEST_TEXT + len('""'):
        return f"a text of more than {LONGEST_TEXT:,} characters"
    return None


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _refusal(file: str, message: str, line: int | None = None) -> KnowledgeBaseError:
    return KnowledgeBaseError([FileProblem(file, line, None, message)])
