"""The gate every policy file passes before clingo sees a byte of it.

clingo runs scripts, reads any file through `#include`, stops silently at a NUL, wraps integers at
32 bits, and can be crashed by deep nesting. So a file is first split into the few tokens the
policy language has; whatever is not one of them is refused, with a sentence that says why.
"""

import re
from collections.abc import Iterator
from itertools import islice

from facts.errors import FileProblem, KnowledgeBaseError

LARGEST_FILE = 1_000_000
"""Bytes; the packaged policies are below 40,000."""
LARGEST_INTEGER = 1_000_000_000
"""clingo's integers wrap around at 2**31."""
DEEPEST_NESTING = 3
"""Parentheses: the arguments of a statement, and alternatives within them."""
MOST_PROBLEMS = 20
"""Problems reported of one file."""

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
    | (?P<integer>[0-9][0-9A-Za-z_']*)
    | (?P<word>[_']*[A-Za-z][A-Za-z0-9_']*)
    | (?P<anonymous>_+)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<separator>[,;.])
    | (?P<arithmetic>[-+*/\\^?~!]|\*\*)
    | (?P<other>.)
    """,
    re.VERBOSE,
)

_REFUSED = {
    "blockcomment": "block comments are not allowed; start every comment line with %",
    "badstring": "a text is not closed on its line, or holds a backslash that is not \\\\, \\\" or \\n",
    "script": "scripts are not allowed: a policy is data and runs no code",
    "include": "#include is not allowed: a policy is one file and reads no other",
    "theory": "theories are not part of the policy language",
    "show": "directives are not part of the policy language",
    "optimize": "optimization is not allowed: a policy decides, it does not prefer",
    "aggregate": "aggregates are not part of the policy language; use at_least_of to count parts",
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
        raise _refusal(file, f"the file has {len(content)} bytes; at most {LARGEST_FILE} are read")
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise _refusal(file, "a NUL byte: clingo would stop reading here", line)
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refusal(file, "a byte that is not ASCII; spell the text in ASCII", line) from None
    problems = list(islice(_refused(text, file), MOST_PROBLEMS))
    if problems:
        raise KnowledgeBaseError(problems)
    return text


def _refused(text: str, file: str) -> Iterator[FileProblem]:
    depth = 0
    line, line_start = 1, 0
    for match in _TOKENS.finditer(text):
        kind, token = match.lastgroup or "other", match.group()
        column = match.start() - line_start + 1
        message = _REFUSED.get(kind)
        if kind == "integer" and not token.isdigit():
            message = "a number is written with decimal digits only"
        elif kind == "integer" and int(token[:20]) > LARGEST_INTEGER:
            message = f"an integer above {LARGEST_INTEGER:,}: clingo would wrap it silently"
        elif kind == "open":
            depth += 1
            if depth == DEEPEST_NESTING + 1:
                message = f"parentheses nested more than {DEEPEST_NESTING} deep"
        elif kind == "close":
            depth -= 1
        if message is not None:
            yield FileProblem(file, line, column, message)
        if kind in ("blockcomment", "badstring"):
            return
        breaks = token.count("\n")
        if breaks:
            line += breaks
            line_start = match.start() + token.rindex("\n") + 1


def _refusal(file: str, message: str, line: int | None = None) -> KnowledgeBaseError:
    return KnowledgeBaseError([FileProblem(file, line, None, message)])
