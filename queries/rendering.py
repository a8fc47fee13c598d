"""Templates rendered: HTML that loads nothing, pictures and Markdown, whatever the texts hold.

A case, a vocabulary or a policy may hold anything as text. Here it stays text.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from queries.phrases import capitalized, cited
from queries.printing import printable
from queries.wording import (
    NO_PATHWAY,
    REVIEW,
    alternatives,
    answer_lines,
    because,
    moved,
    settles,
    status,
    version_line,
    wanted,
    window,
)

_MARKUP = re.compile(
    r"[\\`*{}\[\]<>#|~!&$@]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=//)|(?<=www)\.", re.IGNORECASE
)
"""What Markdown may take for markup within a line, or for the beginning of an address."""
_BEGINNING = re.compile(r"^(?:(\d+)([.)])(?=\s|$)|()([-+=]))")
"""What it may take for the beginning of a list or a heading."""


def render_html(template: str, style: str, script: str | None = None, **values: object) -> str:
    """Render a page with its style and script inside, and a policy that forbids all else."""
    environment = _environment(_printable)
    allowed = [
        f"{source} '{_digest(environment.get_template(name).render())}'"
        for source, name in (("style-src", style), ("script-src", script))
        if name is not None
    ]
    policy = [
        "default-src 'none'",
        "img-src data:",
        *allowed,
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return environment.get_template(template).render(
        content_security_policy="; ".join(policy), style=style, script=script, **values
    )


def render_picture(template: str, **values: object) -> str:
    """Render a picture with its style inside."""
    return _environment(_printable).get_template(template).render(**values)


def render_markdown(template: str, **values: object) -> str:
    """Render Markdown."""
    return _environment(_escaped).get_template(template).render(**values)


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _environment(finalize: Callable[[object], object]) -> Environment:
    environment = Environment(
        autoescape=select_autoescape(["html.jinja", "svg.jinja"]),
        finalize=finalize,
        loader=PackageLoader("queries"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(quoted=_quoted, capitalized=capitalized, json=json.dumps)
    sayings = (
        *(alternatives, answer_lines, because, cited, moved),
        *(settles, status, version_line, wanted, window),
    )
    environment.globals.update({saying.__name__: saying for saying in sayings})
    environment.globals.update(REVIEW=REVIEW, NO_PATHWAY=NO_PATHWAY)
    return environment


def _printable(value: object) -> object:
    """Replace what is no text, such as control characters, in all that is not markup already."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return printable(value)


def _escaped(value: object) -> object:
    """Escape what Markdown would take for markup."""
    if not isinstance(value, str):
        return value
    return _BEGINNING.sub(r"\1\3\\\2\4", _MARKUP.sub(r"\\\g<0>", printable(value)))


def _quoted(text: str) -> str:
    """Set quotation marks and apostrophes as in print."""
    text = re.sub(
        r'"([^"]*)"', "\N{LEFT DOUBLE QUOTATION MARK}\\1\N{RIGHT DOUBLE QUOTATION MARK}", text
    )
    text = re.sub(r"(?<!\w)'([^']*)'(?!\w)", "\N{LEFT SINGLE QUOTATION MARK}\\1'", text)
    return text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
