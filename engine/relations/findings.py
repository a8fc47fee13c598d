"""Findings as atoms, with those that are accepted."""

from collections.abc import Iterable, Iterator, Mapping

from engine.analysis.finding import Finding
from engine.relations.derivation import Given


def given_findings(
    findings: Iterable[Finding], accepted: Mapping[str, tuple[str, str]]
) -> Iterator[Given]:
    """Yield findings, their sections, and of those that are accepted the reason and the date."""
    for each in findings:
        yield "finding", each.policy, each.version, each.id, each.kind, each.severity, each.text
        for section in each.sections:
            yield "finding_section", each.policy, each.id, section
        if each.id in accepted:
            yield "accepted", each.policy, each.id, *accepted[each.id]
