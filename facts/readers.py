"""Readers of cases: one case, a list, or one case a line (NDJSON), told apart by how they begin.

Input is read as a stream. What is wrong with one case is that case's error; the others go on.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import TextIO

from facts.case import Case
from facts.errors import CaseError, UnreadableInputError

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Read:
    """What was read at a place of the input ("line 3", "case 2"): a case, or why it is none."""

    place: str
    case: Case | CaseError


def read_cases(stream: TextIO) -> Iterator[Read]:
    """Read cases from a text stream.

    Raises UnreadableInputError if the input is empty or does not begin like cases in JSON.
    """
    blank = 0
    for first in stream:
        if first.strip():
            break
        blank += 1
    else:
        raise UnreadableInputError("the input is empty; expected a case, a list of cases or NDJSON")
    begin = first.lstrip()[0]
    if begin == "[":
        yield from _read_list(first, stream)
    elif begin == "{":
        yield from _read_objects(first, stream, blank + 1)
    else:
        raise UnreadableInputError("expected JSON: a case, a list of cases or a case a line")


def _read_objects(first: str, stream: TextIO, line: int) -> Iterator[Read]:
    """Read a case on every line, or one case over many lines."""
    if _decodes(first):
        yield from _read_lines(chain([first], stream), line)
        return
    rest = list(stream)
    if any(following.startswith("{") for following in rest):
        yield from _read_lines(chain([first], rest), line)
    else:
        yield _read_one("case 1", "".join([first, *rest]))


def _read_lines(lines: Iterator[str], line: int) -> Iterator[Read]:
    for number, text in enumerate(lines, start=line):
        if text.strip():
            yield _read_one(f"line {number}", text)


def _read_one(place: str, text: str) -> Read:
    decoder = _Decoder()
    try:
        raw = decoder.decode(text)
    except (ValueError, RecursionError) as error:
        return Read(place, CaseError(None, [f"not JSON: {_reason(error)}"]))
    return Read(place, _case(raw, decoder))


def _read_list(first: str, stream: TextIO) -> Iterator[Read]:
    """Read the cases of a list one by one, holding no more text than the next case needs."""
    decoder = _Decoder()
    buffer = first.lstrip()[1:]
    ended = False
    separated = True
    number = 0
    while True:
        buffer = buffer.lstrip()
        if not separated and buffer.startswith(","):
            buffer = buffer[1:].lstrip()
            separated = True
        if buffer.startswith("]") and (not separated or number == 0):
            _refuse_more(buffer[1:], stream)
            return
        place = f"case {number + 1}"
        try:
            raw, end = decoder.next_value(buffer, separated=separated)
        except (ValueError, RecursionError) as error:
            more = "" if ended else stream.read(max(_CHUNK, len(buffer)))
            if more:
                buffer += more
                continue
            problem = f"not JSON: {_reason(error)}; the list cannot be read from here on"
            yield Read(place, CaseError(None, [problem]))
            return
        number += 1
        separated = False
        buffer = buffer[end:]
        yield Read(place, _case(raw, decoder))


def _refuse_more(rest: str, stream: TextIO) -> None:
    if rest.strip() or any(line.strip() for line in stream):
        raise UnreadableInputError("there is more input after the end of the list of cases")


def _case(raw: object, decoder: "_Decoder") -> Case | CaseError:
    repeated = decoder.take_repeated()
    try:
        case = Case.from_json(raw)
    except CaseError as error:
        return CaseError(error.case, [*repeated, *error.problems])
    return CaseError(case.id, repeated) if repeated else case


def _decodes(text: str) -> bool:
    try:
        _Decoder().decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (line {error.lineno}, column {error.colno})"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


class _Decoder(json.JSONDecoder):
    """JSON as the standard has it: exact decimals, no NaN, and repeated keys are noticed."""

    def __init__(self) -> None:
        self._repeated: list[str] = []
        super().__init__(
            parse_float=Decimal,
            parse_constant=self._refuse_constant,
            object_pairs_hook=self._object,
        )

    def next_value(self, text: str, *, separated: bool) -> tuple[object, int]:
        """Decode the value a text begins with. Raises ValueError, also if no comma was before it."""
        if text and not separated:
            raise ValueError("expected , or ] after a case")
        value, end = self.raw_decode(text)
        return value, end

    def take_repeated(self) -> list[str]:
        """Return the problems with keys given twice since the last call."""
        repeated, self._repeated = self._repeated, []
        return repeated

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        keys = [key for key, _ in pairs]
        if len(made) < len(keys):
            self._repeated += [
                f"{key!r} is given twice" for key in sorted(made) if keys.count(key) > 1
            ]
        return made

    @staticmethod
    def _refuse_constant(name: str) -> object:
        raise ValueError(f"{name} is not a number of JSON")
