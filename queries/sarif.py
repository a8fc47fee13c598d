"""Findings as SARIF 2.1.0, the form in which code hosts and editors show what a check found."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from engine.analysis.finding import Finding, FindingKind
from facts.vocabulary import Vocabulary
from queries.accepted import Acceptance
from queries.findings import KINDS, Checked, chosen, kinds_found, sentence
from queries.sources import line_numbers
from queries.witnesses import witness_json

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(checked: Sequence[Checked], vocabulary: Vocabulary, version: str) -> dict[str, object]:
    """Return one SARIF log with one run; `version` is that of this program."""
    kinds = kinds_found([finding for one in checked for finding in one.findings])
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "policygrounds",
                        "version": version,
                        "rules": [_rule(kind) for kind in kinds],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    result for one in checked for result in _results(one, kinds, vocabulary)
                ],
            }
        ],
    }


def _rule(kind: FindingKind) -> dict[str, object]:
    return {
        "id": kind.value,
        "shortDescription": {"text": f"{KINDS[kind]}."},
    }


def _results(
    checked: Checked, kinds: Sequence[FindingKind], vocabulary: Vocabulary
) -> Iterator[dict[str, object]]:
    lines = line_numbers(checked.file, checked.policy.number) if checked.file else {}
    for finding in checked.findings:
        result = _result(finding, checked, vocabulary)
        result["ruleIndex"] = kinds.index(finding.kind)
        result["locations"] = list(_locations(finding, checked.file, lines))
        yield result


def _result(finding: Finding, checked: Checked, vocabulary: Vocabulary) -> dict[str, object]:
    read = f" (with {chosen(finding.readings)})" if finding.readings else ""
    advice = finding.repair
    to_do = f" {sentence(advice)}" if advice else ""
    stated: dict[str, object] = {
        "ruleId": finding.kind.value,
        "level": finding.severity.value,
        "message": {"text": f"{sentence(finding.text)}{read}{to_do}"},
        "partialFingerprints": {"findingId/v1": finding.id},
        "properties": {
            "policy": finding.policy,
            "version": finding.version,
            "sections": list(finding.sections),
            "witnesses": [witness_json(witness, vocabulary) for witness in finding.witnesses],
        },
    }
    acceptance = checked.accepted.get(finding.id)
    return {**stated, "suppressions": [_suppression(acceptance)] if acceptance else []}


def _suppression(acceptance: Acceptance) -> dict[str, object]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": f"{acceptance.date}: {acceptance.reason}",
    }


def _locations(
    finding: Finding, file: Path | None, lines: Mapping[str, int]
) -> Iterator[dict[str, object]]:
    """Give a place for each section; the policy's file alone where none is known."""
    for section in finding.sections or (None,):
        place: dict[str, object] = {}
        if file is not None:
            line = lines.get(section) if section else None
            physical: dict[str, object] = {"artifactLocation": {"uri": _uri(file)}}
            place["physicalLocation"] = (
                {**physical, "region": {"startLine": line}} if line else physical
            )
        if section:
            full = f"{finding.policy} {section}"
            place["logicalLocations"] = [{"name": section, "fullyQualifiedName": full}]
        if place:
            yield place


def _uri(file: Path) -> str:
    """Name a file from the folder one is in, as code hosts expect, or else from the root."""
    path = file.resolve()
    here = Path.cwd()
    if path.is_relative_to(here):
        return quote(path.relative_to(here).as_posix())
    return path.as_uri()
