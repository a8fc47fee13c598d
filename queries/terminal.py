"""Answers as a person reads them in a terminal: trees with marks, sections, what is missing."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.determination import (
    Advisory,
    Authorization,
    CriterionStatus,
    Determination,
    Outcome,
    Quantity,
    Status,
)
from engine.policy import Policy, Version, section_order
from facts.vocabulary import Changer, Fact, Kind, Vocabulary
from queries.knowledge_base import Counterexample

_STYLES = {
    Outcome.APPROVE: "bold green",
    Outcome.REFER: "bold cyan",
    Outcome.DENY: "bold red",
    Outcome.PEND: "bold yellow",
}
_MARKS = {
    Status.MET: ("✓", "+", "green"),
    Status.NOT_MET: ("✗", "x", "red"),
    Status.UNKNOWN: ("?", "?", "yellow"),
}


def show_determination(
    console: Console, answer: Determination, policy: Policy, vocabulary: Vocabulary
) -> None:
    """Print a determination: the outcome, the tree of criteria, and what it hangs on."""
    _print_lines(console, "", "  ", _headline(answer, policy))
    for line in _parts(answer):
        _print(console, 2, line)
    for problem in answer.problems:
        _print(console, 2, (f"{problem.kind}: {problem.message}", "bold red"))
    if not answer.problems:
        console.print()
        if answer.criteria.parts:
            _print_tree(console, answer.criteria, "  ", "  ", faded=False)
        else:
            _print(console, 2, "No pathway of the policy is for such a request.")
    if answer.routing:
        console.print()
        sure = answer.outcome in (Outcome.REFER, Outcome.DENY)
        _print(console, 2, ("Where it goes" if sure else "Where it goes if not approved", "bold"))
        for tree in answer.routing:
            _print_tree(console, tree, "  ", "  ", faded=False)
    _show_unknown(console, answer, vocabulary)
    _show_readings(console, answer)
    _show_advisories(console, answer.advisories)
    if answer.needs_clinician:
        console.print()
        sentence = "A recommendation only: a clinician must review it before it takes effect."
        _print(console, 2, (sentence, "bold"))


def show_error(console: Console, place: str, problems: Sequence[str]) -> None:
    """Print why a case could not be decided, in its place."""
    _print(console, 0, ("ERROR", "bold red"), f"  {printable(place)}")
    for problem in problems:
        _print(console, 2, printable(problem))


def printable(text: str) -> str:
    """Replace what would steer the terminal: text of a case may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _print(console: Console, indent: int, *parts: str | tuple[str, str]) -> None:
    """Print parts of a line, each with its style; nothing in them is taken for markup."""
    _print_lines(console, " " * indent, " " * indent, Text.assemble(*parts))


def _print_lines(console: Console, first: str, rest: str, text: Text) -> None:
    """Print a text wrapped to the terminal, the first line after one prefix, others after another."""
    for number, line in enumerate(text.wrap(console, max(20, console.width - len(rest)))):
        line.rstrip()
        prefix = (rest if number else first, "dim")
        console.print(Text.assemble(prefix, line), no_wrap=True, overflow="ignore", crop=False)


def _headline(answer: Determination, policy: Policy) -> Text:
    line = Text(answer.outcome.value.upper(), _STYLES[answer.outcome])
    if answer.id is not None:
        line.append(f"  {printable(answer.id)}", "bold")
    reconstructed = ", reconstructed" if answer.version_status == "reconstructed" else ""
    line.append(
        f"  {policy.payer} {policy.number}, {policy.title}, version {answer.version}{reconstructed}",
        "default",
    )
    return line


def _parts(answer: Determination) -> Iterator[str]:
    if answer.outcome is Outcome.PEND and answer.possible:
        yield f"Not settled yet: {_either([outcome.value for outcome in answer.possible])}"
    cited = f" ({', '.join(answer.deciding_sections)})" if answer.deciding_sections else ""
    if answer.refer_to:
        yield f"Refer to {_either(answer.refer_to)}{cited}"
    elif answer.basis and answer.outcome is Outcome.DENY:
        yield f"Basis: {_either([basis.replace('_', ' ') for basis in answer.basis])}{cited}"
    if answer.outcome is Outcome.APPROVE:
        yield f"Approved under {_either(answer.pathways)} for {_authorization(answer.authorization)}"


def _authorization(granted: Authorization) -> str:
    stated = [str(months) for months in granted.months if months is not None]
    duration = "a duration the policy does not state"
    if stated:
        duration = f"{_either(stated)} month{'' if stated == ['1'] else 's'}"
        if None in granted.months:
            duration += " or without a stated duration"
    limits = [_quantity(quantity) for quantity in granted.quantities if quantity is not None]
    if not limits:
        return duration
    perhaps = ", or without a stated limit" if None in granted.quantities else ""
    return f"{duration}, at most {_either(limits)}{perhaps}"


def _quantity(quantity: Quantity) -> str:
    plural = "" if quantity.amount == 1 else "s"
    return f"{quantity.amount} {quantity.unit}{plural} in {quantity.days} days ({quantity.section})"


def _either(values: Sequence[str]) -> str:
    *most, last = values
    return f"{', '.join(most)} or {last}" if most else last


def _print_tree(
    console: Console, node: CriterionStatus, first: str, rest: str, *, faded: bool
) -> None:
    """Print a criterion and its parts below it; what cannot matter any more is faded."""
    plain = console.options.ascii_only
    mark, plain_mark, style = _MARKS[node.status]
    style = "dim" if faded else style
    line = Text.assemble(
        (plain_mark if plain else mark, f"bold {style}"),
        (f" {node.section}", style),
        (f"  {node.text}", "dim" if faded else "default"),
        (f" ({node.needs} of)" if node.parts and node.needs != "all" else "", "dim"),
    )
    _print_lines(console, first, f"{rest}  ", line)
    middle, last = ("|-- ", "`-- ") if plain else ("├─ ", "└─ ")
    through = "|   " if plain else "│  "
    for part in node.parts:
        ends = part is node.parts[-1]
        spent = node.needs == "any" and node.status is Status.MET and part.status is not Status.MET
        _print_tree(
            console,
            part,
            rest + (last if ends else middle),
            rest + (" " * len(last) if ends else through),
            faded=faded or spent,
        )


def _show_unknown(console: Console, answer: Determination, vocabulary: Vocabulary) -> None:
    if not answer.unknown_that_matter:
        return
    console.print()
    _print(console, 2, ("Not known, and it matters", "bold"))
    for name in answer.unknown_that_matter:
        members = answer.unknown_members.get(name, ())
        listed = f" ({', '.join(members)})" if members else ""
        question = vocabulary.facts[name].question
        _print(console, 4, (name, "yellow"), f"  {question}", (listed, "dim"))


def _show_readings(console: Console, answer: Determination) -> None:
    if not answer.readings:
        return
    console.print()
    _print(console, 2, ("It hangs on how the text is read", "bold"))
    for reading in answer.readings:
        _print(
            console,
            4,
            (f"{reading.name}={reading.other}", "cyan"),
            " would give ",
            (reading.outcome.value, _STYLES[reading.outcome]),
            f"; here it is read as {reading.choice}. {reading.question}",
            (f" ({', '.join(reading.sections)})", "dim"),
        )


def _show_advisories(console: Console, advisories: Sequence[Advisory]) -> None:
    if not advisories:
        return
    console.print()
    _print(console, 2, ("To note", "bold"))
    for advisory in advisories:
        perhaps = "" if advisory.certain else "may apply: "
        _print(console, 4, (perhaps, "dim"), advisory.text, (f" ({advisory.section})", "dim"))


def show_policies(console: Console, policies: Sequence[Policy]) -> None:
    """Print the policies with their versions."""
    table = _table("Policy", "Payer", "Drug", "Title", "Versions")
    for policy in policies:
        versions = "\n".join(map(_window, policy.versions))
        row = (policy.number, policy.payer, policy.drug, policy.title, versions)
        table.add_row(*map(Text, row))
    console.print(table)


def show_policy(console: Console, policy: Policy) -> None:
    """Print one policy: its source, its versions, and its readings with their choices."""
    _print(console, 0, (f"{policy.payer} {policy.number}", "bold"), f"  {policy.title}")
    _print(console, 0, policy.source)
    console.print()
    _print(console, 0, ("Versions", "bold"))
    for version in policy.versions:
        _print(console, 2, _window(version))
        _print(console, 4, (version.note, "dim"))
    if not policy.readings:
        return
    console.print()
    _print(console, 0, ("Readings", "bold"), ", the default choice first")
    for name, reading in sorted(policy.readings.items()):
        sections = f" ({', '.join(reading.sections)})"
        _print(console, 2, (name, "cyan"), f"  {reading.question}", (sections, "dim"))
        for choice in sorted(reading.choices, key=lambda choice: choice != reading.default):
            _print(console, 6, (choice, "bold"), f"  {reading.choices[choice]}")


def show_sections(console: Console, policy: Policy) -> None:
    """Print what every section of the policy's latest version says, in the order of sections."""
    texts = policy.versions[-1].texts
    console.print()
    _print(console, 0, ("Sections", "bold"), f", version {policy.versions[-1].start}")
    for section in sorted(texts, key=section_order):
        _print(console, 2, (section, "cyan"), f"  {texts[section]}")


def show_proof(console: Console, policy: str, version: str, found: Counterexample | None) -> None:
    """Print that every case gets exactly one outcome, or the case that does not."""
    if found is None:
        _print(
            console,
            0,
            (f"{policy} {version}", "bold"),
            ": every complete case without a contradiction gets exactly one outcome, whatever the readings",
        )
        return
    outcomes = " and ".join(found.outcomes) or "no outcome"
    _print(console, 0, (f"{policy} {version}", "bold"), f": {outcomes} for this case")
    _print(console, 2, f"facts: {json.dumps(dict(found.case.facts))}")
    _print(console, 2, f"readings: {json.dumps(dict(found.readings))}")


def show_fact(console: Console, fact: Fact, vocabulary: Vocabulary) -> None:
    """Print one fact of the vocabulary, its values with their titles."""
    _print(console, 0, (fact.name, "bold"), f"  {fact.title}")
    _print(console, 0, fact.question)
    changed = "fixed" if fact.changer is Changer.FIXED else f"changed by: {fact.changer.value}"
    _print(console, 0, f"A {fact.kind.value}; {changed}.")
    if fact.options is None:
        _print(console, 0, f"Values: {_values(fact)}")
        return
    for value, title in sorted(fact.options.items()):
        _print(console, 2, (value, "cyan"), f"  {title}")
        for line in _codes(vocabulary, fact, value):
            _print(console, 6, (line, "dim"))


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
    table = _table("Fact", "Kind", "Changer", "Values", "Question")
    for name, fact in sorted(vocabulary.facts.items()):
        row = (fact.kind.value, fact.changer.value, _values(fact), fact.question)
        table.add_row(Text(name, "cyan"), *map(Text, row))
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _values(fact: Fact) -> str:
    if fact.kind is Kind.BOOLEAN:
        return "true, false"
    if fact.kind is Kind.NUMBER:
        return f"{fact.number(fact.lowest)} to {fact.number(fact.highest)} {fact.unit}"
    return ", ".join(fact.values)
