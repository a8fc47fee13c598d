"""Answers as a person reads them in a terminal: trees with marks, sections, what is missing."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from engine.compiled import Verification
from engine.determination import Advisory, Determination, Outcome
from engine.policy import Policy, Version, section_order
from facts.vocabulary import Changer, Fact, Kind, Vocabulary
from queries.knowledge_base import Counterexample
from queries.printing import (
    STYLES,
    new_table,
    print_heading,
    print_line,
    print_tree,
    print_wrapped,
    printable,
)
from queries.wording import (
    NO_PATHWAY,
    REVIEW,
    answer_lines,
    record_problems,
    shown_cautions,
    shown_facts,
)

__all__ = [
    "printable",
    "show_advisories",
    "show_dependence",
    "show_determination",
    "show_error",
    "show_fact",
    "show_facts",
    "show_outcome",
    "show_policies",
    "show_policy",
    "show_proof",
    "show_records",
    "show_sections",
    "show_unknown",
    "show_verifications",
]


def show_determination(
    console: Console, answer: Determination, policy: Policy, vocabulary: Vocabulary
) -> None:
    """Print a determination: the outcome, the tree of criteria, and what it hangs on."""
    show_outcome(console, answer, policy)
    if not answer.problems:
        console.print()
        if answer.criteria.parts:
            print_tree(console, answer.criteria)
        else:
            print_line(console, 2, NO_PATHWAY)
    if answer.routing:
        sure = answer.outcome in (Outcome.REFER, Outcome.DENY)
        print_heading(console, "Where it goes" if sure else "Where it goes if not approved")
        for tree in answer.routing:
            print_tree(console, tree)
    show_unknown(console, answer, vocabulary)
    show_dependence(console, answer)
    show_advisories(console, answer.advisories)
    show_records(console, answer, vocabulary)
    if answer.needs_clinician:
        print_heading(console, REVIEW)


def show_outcome(console: Console, answer: Determination, policy: Policy) -> None:
    """Print the outcome with case, policy and version, what it means, and what prevents it."""
    headline = Text(answer.outcome.value.upper(), STYLES[answer.outcome])
    if answer.id is not None:
        headline.append(f"  {printable(answer.id)}", "bold")
    reconstructed = ", reconstructed" if answer.version_status == "reconstructed" else ""
    headline.append(
        f"  {policy.payer} {policy.number}, {policy.title}, version {answer.version}{reconstructed}",
        "default",
    )
    print_wrapped(console, "", "  ", headline)
    for line in answer_lines(answer):
        print_line(console, 2, line)
    for problem in answer.problems:
        print_line(console, 2, (f"{problem.kind}: {problem.message}", "bold red"))


def show_error(console: Console, place: str, problems: Sequence[str]) -> None:
    """Print why a case could not be decided, in its place."""
    print_line(console, 0, ("ERROR", "bold red"), f"  {printable(place)}")
    for problem in problems:
        print_line(console, 2, printable(problem))


def show_unknown(console: Console, answer: Determination, vocabulary: Vocabulary) -> None:
    """Print the unknown facts that can still matter, with the questions to ask."""
    if not answer.unknown_that_matter:
        return
    print_heading(console, "Not known, and it matters")
    for name in answer.unknown_that_matter:
        members = answer.unknown_members.get(name, ())
        listed = f" ({', '.join(members)})" if members else ""
        question = vocabulary.facts[name].question
        print_line(console, 4, (name, "yellow"), f"  {question}", (listed, "dim"))


def show_dependence(console: Console, answer: Determination) -> None:
    """Print the readings that would move the outcome."""
    if not answer.readings:
        return
    print_heading(console, "It hangs on how the text is read")
    for reading in answer.readings:
        print_line(
            console,
            4,
            (f"{reading.name}={reading.other}", "cyan"),
            " would give ",
            (reading.outcome.value, STYLES[reading.outcome]),
            f"; here it is read as {reading.choice}. {reading.question}",
            (f" ({', '.join(reading.sections)})", "dim"),
        )


def show_advisories(console: Console, advisories: Sequence[Advisory]) -> None:
    """Print what the policy says besides."""
    if not advisories:
        return
    print_heading(console, "To note")
    for advisory in advisories:
        perhaps = "" if advisory.certain else "may apply: "
        print_line(console, 4, (perhaps, "dim"), advisory.text, (f" ({advisory.section})", "dim"))


def show_records(console: Console, answer: Determination, vocabulary: Vocabulary) -> None:
    """Print what records show: derived facts, cautions, and records that cannot be so."""
    for heading, shown in (
        ("From the records", shown_facts(answer, vocabulary)),
        ("Safety, which decides nothing", shown_cautions(answer)),
    ):
        if shown:
            print_heading(console, heading)
        for one in shown:
            rests = ", ".join((*one.records, *one.sources))
            print_line(console, 4, (one.subject, "cyan"), f"  {one.text}", (f" ({rests})", "dim"))
    problems = record_problems(answer)
    if problems:
        print_heading(console, "Records that cannot be so, and were left out")
        for problem in problems:
            print_line(console, 4, (problem, "yellow"))


def show_policies(console: Console, policies: Sequence[Policy]) -> None:
    """Print the policies with their versions."""
    table = new_table("Policy", "Payer", "Drug", "Title", "Versions")
    for policy in policies:
        versions = "\n".join(map(_window, policy.versions))
        row = (policy.number, policy.payer, policy.drug, policy.title, versions)
        table.add_row(*map(Text, row))
    console.print(table)


def show_policy(console: Console, policy: Policy) -> None:
    """Print one policy: its source, its versions, and its readings with their choices."""
    print_line(console, 0, (f"{policy.payer} {policy.number}", "bold"), f"  {policy.title}")
    print_line(console, 0, policy.source)
    console.print()
    print_line(console, 0, ("Versions", "bold"))
    for version in policy.versions:
        print_line(console, 2, _window(version))
        print_line(console, 4, (version.note, "dim"))
    if not policy.readings:
        return
    console.print()
    print_line(console, 0, ("Readings", "bold"), ", the default choice first")
    for name, reading in sorted(policy.readings.items()):
        sections = f" ({', '.join(reading.sections)})"
        print_line(console, 2, (name, "cyan"), f"  {reading.question}", (sections, "dim"))
        for choice in sorted(reading.choices, key=lambda choice: choice != reading.default):
            print_line(console, 6, (choice, "bold"), f"  {reading.choices[choice]}")


def show_sections(console: Console, policy: Policy) -> None:
    """Print what every section of the policy's latest version says, in the order of sections."""
    texts = policy.versions[-1].texts
    console.print()
    print_line(console, 0, ("Sections", "bold"), f", version {policy.versions[-1].start}")
    for section in sorted(texts, key=section_order):
        print_line(console, 2, (section, "cyan"), f"  {texts[section]}")


def show_proof(console: Console, policy: str, version: str, found: Counterexample | None) -> None:
    """Print that every case gets exactly one outcome, or the case that does not."""
    if found is None:
        print_line(
            console,
            0,
            (f"{policy} {version}", "bold"),
            ": every complete case without a contradiction gets exactly one outcome, whatever the readings",
        )
        return
    outcomes = " and ".join(found.outcomes) or "no outcome"
    print_line(console, 0, (f"{policy} {version}", "bold"), f": {outcomes} for this case")
    print_line(console, 2, f"facts: {json.dumps(dict(found.case.facts))}")
    print_line(console, 2, f"readings: {json.dumps(dict(found.readings))}")


def show_verifications(
    console: Console, policy: str, version: str, found: Sequence[Verification]
) -> None:
    """Print under how many choices of readings compiled outcomes are proved, and where they are not."""
    proved = [each.nodes for each in found if each.proved and each.nodes is not None]
    nodes = f", {min(proved):,} to {max(proved):,} nodes" if proved else ""
    choices = "default readings, and each chosen otherwise" if len(found) > 1 else "no readings"
    print_line(
        console,
        0,
        (f"{policy} {version}", "bold"),
        f": compiled outcomes proved for every complete case, {len(proved)} of {len(found)} "
        f"({choices}{nodes})",
    )
    for each in found:
        if not each.proved:
            chosen = ", ".join(f"{name}={choice}" for name, choice in each.readings.items())
            why = "too large to compile" if each.nodes is None else "NOT PROVED"
            under = chosen or "the default readings"
            print_line(console, 2, f"{why} under {under}: decided by the solver")
    proved_too = {True: "proved too", None: "too large to compile", False: "NOT PROVED"}
    print_line(console, 2, f"answers in columns: {proved_too[found[0].columns_proved]}")


def show_fact(console: Console, fact: Fact, vocabulary: Vocabulary) -> None:
    """Print one fact of the vocabulary, its values with their titles."""
    print_line(console, 0, (fact.name, "bold"), f"  {fact.title}")
    print_line(console, 0, fact.question)
    changed = "fixed" if fact.changer is Changer.FIXED else f"changed by: {fact.changer.value}"
    print_line(console, 0, f"A {fact.kind.value}; {changed}.")
    if fact.options is None:
        print_line(console, 0, f"Values: {_values(fact)}")
        return
    for value, title in sorted(fact.options.items()):
        print_line(console, 2, (value, "cyan"), f"  {title}")
        for line in _codes(vocabulary, fact, value):
            print_line(console, 6, (line, "dim"))


def _codes(vocabulary: Vocabulary, fact: Fact, option: str) -> Iterator[str]:
    """Say what is known of a drug or a diagnosis beside its name: brands, classes, codes, traps."""
    drug = vocabulary.drugs.get(option)
    if fact.kind is Kind.SET and drug is not None:
        classes = [vocabulary.classes[name] for name in drug.classes]
        if drug.classes or drug.brands:
            yield "; ".join(filter(None, [", ".join(drug.brands), ", ".join(classes)]))
        for code in drug.codes:
            yield f"{code.system} {code.code}  {code.text} (from: {code.source})"
    diagnosis = vocabulary.diagnoses.get(option)
    if fact.name == "diagnosis" and diagnosis is not None:
        for number, text in diagnosis.icd10.items():
            yield f"ICD-10-CM {number}  {text}"
        for number, text in diagnosis.cautions.items():
            yield f"caution: {number} {text}"
        for trap in diagnosis.traps:
            numbers = trap.first if trap.first == trap.last else f"{trap.first} to {trap.last}"
            yield f"not {numbers}: {trap.text}"


def _window(version: Version) -> str:
    until = f"to {version.until}" if version.until else "on"
    status = f" ({version.status})" if version.status == "reconstructed" else ""
    return f"{version.start} {until}{status}"


def show_facts(console: Console, vocabulary: Vocabulary) -> None:
    """Print the vocabulary: every fact with its kind, its values, and who can change it."""
    table = new_table("Fact", "Kind", "Changer", "Values", "Question")
    for name, fact in sorted(vocabulary.facts.items()):
        row = (fact.kind.value, fact.changer.value, _values(fact), fact.question)
        table.add_row(Text(name, "cyan"), *map(Text, row))
    console.print(table)


def _values(fact: Fact) -> str:
    if fact.kind is Kind.BOOLEAN:
        return "true, false"
    if fact.kind is Kind.NUMBER:
        return f"{fact.number(fact.lowest)} to {fact.number(fact.highest)} {fact.unit}"
    return ", ".join(fact.values)
