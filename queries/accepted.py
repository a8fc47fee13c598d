"""Accepted findings: what an owner of a policy has looked at and stands by, with the reason.

They stand in a file beside the policy: beside `CP.PHAR.302_ixazomib.lp`, it is
`CP.PHAR.302_ixazomib.accepted.json`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.analysis.finding import Finding, FindingKind, Severity
from engine.policy import Policy, Version
from facts.case import is_date
from facts.errors import AcceptanceError, did_you_mean
from queries.files import read_regular

KEYS = ("id", "reason", "date")
LARGEST_FILE = 1 << 20
"""Bytes; thousands of entries."""
_EXAMPLE = '{"id": "CP.PHAR.302:never-met:I.A.5.d", "reason": "Meant so.", "date": "2025-09-15"}'


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A finding that is accepted, by its id: why, and since when."""

    id: str
    reason: str
    date: str


def accepted_file(policy: Path) -> Path:
    """Return the file of the findings accepted of the policy in a file."""
    return policy.with_suffix(".accepted.json")


def read_accepted(file: Path) -> Mapping[str, Acceptance]:
    """Read the accepted findings, by id; there are none if there is no such file.

    Raises AcceptanceError with everything that is wrong with it.
    """
    try:
        content = read_regular(file, LARGEST_FILE)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AcceptanceError(str(file), [f"cannot be read: {error.strerror or error}"]) from None
    except ValueError as error:
        raise AcceptanceError(str(file), [str(error)]) from None
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise AcceptanceError(str(file), [f"this is no JSON: {error}"]) from None
    if not isinstance(raw, list):
        raise AcceptanceError(str(file), [f"expected a list of entries such as {_EXAMPLE}"])
    accepted: dict[str, Acceptance] = {}
    problems: list[str] = []
    for number, entry in enumerate(raw, start=1):
        wrong = list(_wrong(entry))
        if not wrong and entry["id"] in accepted:
            wrong = [f"{entry['id']!r} is accepted twice; keep one entry"]
        problems += [f"entry {number}: {problem}" for problem in wrong]
        if not wrong:
            accepted[entry["id"]] = Acceptance(*(entry[key] for key in KEYS))
    if problems:
        raise AcceptanceError(str(file), problems)
    return accepted


def _wrong(entry: object) -> Iterator[str]:
    """Say what is wrong with an entry, and what to write instead."""
    if not isinstance(entry, Mapping):
        yield f"expected an object such as {_EXAMPLE}"
        return
    for key in entry:
        if key not in KEYS:
            yield f"unknown key {key!r}{did_you_mean(str(key), KEYS)} (the keys are id, reason and date)"
    for key in ("id", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield f'{key} is missing or no text; write "{key}": "..."'
    if not isinstance(entry.get("date"), str) or not is_date(entry["date"]):
        yield 'date is missing or no date; write "date": "2025-09-15"'


def stale_acceptances(
    policy: Policy,
    version: Version,
    findings: Iterable[Finding],
    accepted: Iterable[Acceptance],
) -> Iterator[Finding]:
    """Find the acceptances of findings that are not there any more."""
    found = {finding.id for finding in findings}
    for acceptance in accepted:
        if acceptance.id not in found:
            yield Finding(
                policy=policy.number,
                version=version.start,
                kind=FindingKind.STALE_ACCEPTANCE,
                severity=Severity.WARNING,
                subject=acceptance.id,
                sections=(),
                text=f"Accepted on {acceptance.date}, but nothing is found any more with the id "
                f"{acceptance.id}",
                repair="Remove the entry from the file of accepted findings.",
            )
