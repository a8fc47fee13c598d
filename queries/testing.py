"""The command `policygrounds test`: the tests beside policies, and what they cover.

Exit status: 0 if every test passed and every version is covered as far as asked; 1 if not; 2 for a
case or a file that cannot be read.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from engine.analysis.coverage import Covered, State
from facts.errors import PolicygroundsError
from queries.knowledge_base import KnowledgeBase
from queries.policy_tests import Checked, PolicyReport, PolicyTestReport, VersionCoverage
from queries.printing import print_line, printable
from queries.shell import (
    BAD_INPUT,
    check_writable,
    errors_end,
    folders_option,
    json_option,
    new_console,
    print_json,
    write_text,
)

FAILED = 1


@click.command()
@click.argument("policies", nargs=-1, metavar="[POLICY]...")
@click.option(
    "--cases",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Run the tests in FILE instead of those beside the policies.",
)
@click.option(
    "--least",
    metavar="PERCENT",
    type=click.IntRange(0, 100),
    default=100,
    show_default=True,
    help="The coverage that every version must have.",
)
@click.option(
    "--suggest",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write cases to FILE, a new one, that would cover the rest, to be confirmed.",
)
@json_option
@folders_option
def test(
    *,
    policies: Sequence[str],
    cases: Path | None,
    least: int,
    suggest: Path | None,
    as_json: bool,
    folders: Sequence[Path],
) -> None:
    """Run the tests beside each POLICY, all if none is named, and say what they cover."""
    with errors_end(cases):
        if suggest is not None and suggest.exists():
            raise PolicygroundsError(f"--suggest {suggest}: it is there already; name a new file")
        check_writable(suggest)
        kb = KnowledgeBase.load(*folders)
        report = kb.test(*policies, cases=cases)
        if suggest is not None:
            _write(suggest, report)
    if as_json:
        for each in report.policies:
            print_json(each.to_json())
        for fault in report.faults:
            print_json({"file": fault.file, "id": fault.case, "error": fault.message})
    else:
        _show(new_console(), report)
    if report.faults:
        sys.exit(BAD_INPUT)
    if not report.passes(least):
        sys.exit(FAILED)


def _write(file: Path, report: PolicyTestReport) -> None:
    """Write the proposed cases, one a line, as a file of tests."""
    proposals = [
        json.dumps(proposal.to_json())
        for policy in report.policies
        for coverage in policy.coverage
        for proposal in coverage.proposals
    ]
    write_text(file, "[\n" + ",\n".join(proposals) + "\n]\n" if proposals else "[]\n")


def _show(console: Console, report: PolicyTestReport) -> None:
    for fault in report.faults:
        print_line(console, 0, ("ERROR", "bold red"), f"  {printable(str(fault))}")
    for place, policy in enumerate(report.policies):
        if place or report.faults:
            console.print()
        _show_policy(console, policy)


def _show_policy(console: Console, report: PolicyReport) -> None:
    failed = [each for each in report.checked if not each.passed]
    passed = len(report.checked) - len(failed)
    counted = f"{passed} passed" + (f", {len(failed)} failed" if failed else "")
    policy = report.policy
    print_line(
        console, 0, (f"{policy.payer} {policy.number}", "bold"), f", {policy.title}: {counted}"
    )
    for each in failed:
        _show_failed(console, each)
    for coverage in report.coverage:
        _show_coverage(console, coverage)


def _show_failed(console: Console, checked: Checked) -> None:
    test = checked.test
    version = f", version {checked.version}" if checked.version else ""
    sections = f" ({', '.join(checked.sections)})" if checked.sections else ""
    print_line(console, 2, ("FAIL", "bold red"), f"  {printable(test.id)}{version}{sections}")
    for each in checked.mismatches:
        print_line(
            console,
            8,
            f"{each.part}: expected {_said(each.expected)}, got {_said(each.got)}",
        )
    if checked.error is not None:
        print_line(console, 8, printable(checked.error))
    print_line(console, 8, (printable(test.why), "dim"))


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else printable(str(value))


def _show_coverage(console: Console, coverage: VersionCoverage) -> None:
    covered, missing = coverage.count(State.COVERED), coverage.count(State.OPEN)
    percent = coverage.percent
    style = "green" if percent == 100 else "yellow"
    print_line(
        console,
        2,
        (f"version {coverage.version}: {percent}% covered", style),
        f", {covered} of {covered + missing}",
    )
    if not coverage.proved:
        print_line(
            console, 4, "nothing counts: the circuit could not be proved equal to the program"
        )
    impossible = [each for each in coverage.covered if each.state is State.IMPOSSIBLE]
    if impossible:
        listed = ", ".join(str(each.item) for each in impossible)
        print_line(console, 4, f"cannot be covered: proved: {listed}")
    written = {proposal.case.id: proposal for proposal in coverage.proposals}
    for each in coverage.covered:
        if each.state is State.OPEN:
            _show_open(console, each)
            for example in each.proposals:
                form = written[example.name].to_json()
                shown = {key: form[key] for key in ("facts", "readings", "expect") if key in form}
                print_line(console, 8, (f"would do: {json.dumps(shown)}", "dim"))


def _show_open(console: Console, covered: Covered) -> None:
    print_line(
        console,
        4,
        (f"not covered: {covered.item}", "yellow"),
        f"; it takes {covered.item.needs}",
    )
