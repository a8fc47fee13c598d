"""Readers of cases: one case, a list, or one case a line (NDJSON), told apart by how they begin.

Input is read as a stream. What is wrong with one case is that case's error; the others go on.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import TextIO

from facts.case import Case
from facts.errors import CaseError, UnreadableInputError

LARGEST_CASE = 10_000_000
"""Characters; a case is a few thousand."""
_CHUNK = 1 << 16
_LONGEST_TOKEN = 12
"""How far before the end of a text an error may lie that more text could mend: \\ud83d\\ude00."""
_LONGEST_INTEGER = 1_000
"""Digits; Python itself refuses a few thousand."""
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read at a place of the input ("line 3", "case 2"): a case, or why it is none."""

    place: str
    case: Case | CaseError


def read_cases(stream: TextIO) -> Iterator[Read]:
    """Read cases from a text stream.

    Raises UnreadableInputError if the input is empty or does not begin like cases in JSON.
    """
    line = 1
    while not (first := stream.readline(_CHUNK)).strip():
        if not first:
            raise UnreadableInputError(
                "the input is empty; expected a case, a list of cases or a case a line"
            )
        line += first.endswith("\n")
    begin = first.lstrip()[0]
    if begin == "[":
        yield from _List(first, stream, line).read()
    elif begin == "{":
        yield from _read_objects(first + _rest_of_line(first, stream), stream, line)
    else:
        raise UnreadableInputError("expected JSON: a case, a list of cases or a case a line")


def _rest_of_line(text: str, stream: TextIO) -> str:
    return "" if text.endswith("\n") else stream.readline()


def _read_objects(first: str, stream: TextIO, line: int) -> Iterator[Read]:
    """Read a case on every line, or one case over many lines."""
    error = _failure(first)
    if error is None or not _is_unfinished(error, first.rstrip()):
        yield from _read_lines(chain([first], stream), line)
        return
    lines = [first, *stream]
    whole = "".join(lines)
    if _failure(whole) and any(text.lstrip().startswith("{") for text in lines[1:]):
        yield from _read_lines(lines, line)
    else:
        yield _read_one("case 1", whole)


def _read_lines(lines: Iterable[str], line: int) -> Iterator[Read]:
    for number, text in enumerate(lines, start=line):
        if text.strip():
            yield _read_one(f"line {number}", text)


def _read_one(place: str, text: str) -> Read:
    decoder = _Decoder()
    try:
        raw = decoder.decode(text)
    except (ValueError, RecursionError) as error:
        return Read(place, CaseError(None, [f"not JSON: {_reason(error)}"]))
    return Read(place, decoder.case(raw, text))


class _List:
    """A list of cases, decoded one by one from a buffer that holds little more than the next."""

    def __init__(self, first: str, stream: TextIO, line: int) -> None:
        self._stream = stream
        self._lines_dropped = line - 1
        self._buffer = first
        self._position = first.index("[") + 1
        self._decoder = _Decoder()

    def read(self) -> Iterator[Read]:
        """Yield the cases; what cannot be decoded ends the list, with the place it is at."""
        number = 0
        while True:
            following = self._next_character()
            if following == "]" and number == 0:
                self._position += 1
                break
            number += 1
            place = f"case {number}"
            try:
                yield Read(place, self._next_case())
                following = self._next_character()
                place = f"after case {number}"
                if following not in (",", "]"):
                    raise ValueError("expected , or ] after a case")  # noqa: TRY301 - one way out
            except (ValueError, RecursionError) as error:
                reason = _reason(error, self._lines_dropped)
                problem = f"not JSON: {reason}; the list cannot be read from here on"
                yield Read(place, CaseError(None, [problem]))
                return
            self._position += 1
            if following == "]":
                break
        self._refuse_more()

    def _next_character(self) -> str:
        """Go to the next character that is no space and return it; empty at the end of input."""
        while True:
            match = _SPACE.match(self._buffer, self._position)
            self._position = match.end() if match else self._position
            if self._position < len(self._buffer) or not self._refill():
                return self._buffer[self._position : self._position + 1]

    def _next_case(self) -> Case | CaseError:
        self._next_character()
        while True:
            try:
                raw, end = self._decoder.raw_decode(self._buffer, self._position)
            except (ValueError, RecursionError) as error:
                self._decoder.forget()
                length = len(self._buffer) - self._position
                if length > LARGEST_CASE:
                    raise ValueError(f"a case of more than {LARGEST_CASE:,} characters") from None
                if not _is_unfinished(error, self._buffer) or not self._refill():
                    raise
            else:
                if end == len(self._buffer) and self._refill():
                    self._decoder.forget()
                    continue  # what ends with the buffer may go on after it
                text = self._buffer[self._position : end]
                self._position = end
                return self._decoder.case(raw, text)

    def _refill(self) -> bool:
        """Read on, as much as is still undecoded; False at the end of input."""
        rest = self._buffer[self._position :]
        self._lines_dropped += self._buffer.count("\n", 0, self._position)
        more = self._stream.read(max(_CHUNK, len(rest)))
        self._buffer, self._position = rest + more, 0
        return bool(more)

    def _refuse_more(self) -> None:
        if self._next_character():
            raise UnreadableInputError("there is more input after the end of the list of cases")


def _failure(text: str) -> Exception | None:
    """Return why a text cannot be decoded, None if it can."""
    try:
        _Decoder().decode(text)
    except (ValueError, RecursionError) as error:
        return error
    return None


def _is_unfinished(error: Exception, text: str) -> bool:
    """Whether text that could not be decoded may be the beginning of text that can."""
    return isinstance(error, json.JSONDecodeError) and (
        error.msg.startswith("Unterminated string") or error.pos >= len(text) - _LONGEST_TOKEN
    )


def _reason(error: Exception, lines_before: int = 0) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (line {lines_before + error.lineno})"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


class _Decoder(json.JSONDecoder):
    """JSON as the standard has it, with exact decimals.

    What a value or an object holds that cannot stand (a key given twice, a number that cannot be
    read) is a problem of its case, and does not stop the decoding.
    """

    def __init__(self) -> None:
        self._problems: list[str] = []
        super().__init__(
            parse_float=self._float,
            parse_int=self._integer,
            parse_constant=self._refuse,
            object_pairs_hook=self._object,
        )

    def case(self, raw: object, text: str) -> Case | CaseError:
        """Make a case of what was decoded from a text, with the problems met on the way."""
        problems = self._problems
        self.forget()
        try:
            text.encode()
        except UnicodeEncodeError:
            problems = [*problems, "the text is not UTF-8"]
        try:
            case = Case.from_json(raw)
        except CaseError as error:
            return CaseError(error.case, [*problems, *error.problems])
        return CaseError(case.id, problems) if problems else case

    def forget(self) -> None:
        """Forget the problems met: what was decoded is decoded again."""
        self._problems = []

    def _float(self, text: str) -> Decimal | None:
        try:
            return Decimal(text)
        except InvalidOperation:
            self._refuse("a number of that size")
            return None

    def _integer(self, text: str) -> int | None:
        if len(text) > _LONGEST_INTEGER:
            self._refuse("a number of that size")
            return None
        return int(text)

    def _refuse(self, name: str) -> None:
        self._problems.append(f"{name} is no number that can be read")

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) < len(pairs):
            times = Counter(key for key, _ in pairs)
            self._problems += [f"{key!r} is given twice" for key in made if times[key] > 1][:20]
        return made
