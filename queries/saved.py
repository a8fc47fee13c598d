"""Saved queries: the library's, and files of one's own.

A file holds one query in the language of queries, named by the file. The comments it begins with, up
to an empty line, say in a sentence what it answers, then describe each parameter, with an example:

    % Which policies cover a regimen?
    % $regimen  the drugs given together, ixazomib among them
    % Example   regimen=dexamethasone + ixazomib + lenalidomide
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from facts.errors import SavedQueryError, did_you_mean
from queries.files import read_regular

LIBRARY = Path(__file__).parent / "library"
_LARGEST_FILE = 100_000
"""Bytes; a query is a few hundred."""
_COMMENT = re.compile(r"%[^\n]*")
_RELATION = re.compile(r"\b([a-z]\w*)\(", re.ASCII)
_HEADER = re.compile(r"\s*(?:[ \t]*%[^\n]*\n?)*")
_PARAMETER = re.compile(r"\$([a-z]\w*)\s+(\S.*)", re.ASCII)
_EXAMPLE = re.compile(r"Example\s+([a-z]\w*)\s*=\s*(\S.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the caller of a query gives."""

    name: str
    meaning: str
    example: str | None


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query with its name, the sentence that says what it answers, and its parameters."""

    name: str
    sentence: str
    parameters: tuple[Parameter, ...]
    text: str
    source: str
    """The file, as messages name it."""

    @property
    def example(self) -> Mapping[str, str]:
        """The values of the parameters in its example."""
        return {each.name: each.example for each in self.parameters if each.example is not None}

    def named_relations(self) -> frozenset[str]:
        """Return the relations that the text names, its own among them."""
        return frozenset(_RELATION.findall(_COMMENT.sub("", self.text)))


@cache
def library() -> Mapping[str, SavedQuery]:
    """Return the queries of the library, by name."""
    found = sorted(LIBRARY.glob("*.dl"))
    return {path.stem: replace(read_saved(path), source=path.name) for path in found}


def named(name: str) -> SavedQuery:
    """Return a query of the library. Raises SavedQueryError if there is none of that name."""
    if name not in library():
        raise SavedQueryError(
            f"no saved query {name!r}{did_you_mean(name, library())} (--list lists all)"
        )
    return library()[name]


def read_saved(file: Path) -> SavedQuery:
    """Read a file with a query. Raises SavedQueryError."""
    try:
        text = read_regular(file, _LARGEST_FILE).decode("utf-8")
    except OSError as error:
        raise SavedQueryError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SavedQueryError(f"{file}: the text is not UTF-8") from None
    except ValueError as error:
        raise SavedQueryError(f"{file}: {error}") from None
    return as_saved(file.stem, text, str(file))


def as_saved(name: str, text: str, source: str) -> SavedQuery:
    """Read what the comments before a query say. Raises SavedQueryError."""
    header = _HEADER.match(text)
    sentence: list[str] = []
    described: dict[str, str] = {}
    examples: dict[str, str] = {}
    for line in header[0].splitlines() if header else ():
        words = line.strip().lstrip("%").strip()
        if parameter := _PARAMETER.fullmatch(words):
            if parameter[1] in described:
                raise SavedQueryError(f"{source}: parameter ${parameter[1]} is described twice")
            described[parameter[1]] = parameter[2]
        elif example := _EXAMPLE.fullmatch(words):
            examples[example[1]] = example[2]
        elif words:
            sentence.append(words)
    for parameter_name in examples:
        if parameter_name not in described:
            meant = did_you_mean(parameter_name, described)
            raise SavedQueryError(
                f"{source}: the example sets {parameter_name!r}, which no line describes{meant}"
            )
    parameters = tuple(
        Parameter(parameter, meaning, examples.get(parameter))
        for parameter, meaning in described.items()
    )
    return SavedQuery(name, " ".join(sentence), parameters, text, source)
