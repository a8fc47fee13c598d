"""The interview as a conversation in the terminal: questions, answers, and what they may look like."""

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from engine.determination import Outcome
from engine.explanation import Question
from facts.case import Case
from facts.errors import CaseError, PolicygroundsError, did_you_mean
from facts.vocabulary import Fact, Kind
from queries.interview import Interview
from queries.phrases import counted
from queries.printing import print_heading, print_line, printable
from queries.terminal import show_determination

HELP = {
    Kind.BOOLEAN: "yes or no",
    Kind.NUMBER: "a number, or a bound such as >=2, <=4 or 2-4",
    Kind.CHOICE: "one of the numbers or names; several if it is one of those",
    Kind.SET: "all names, divided by commas; none; or +name for one among others, -name for one not",
}
COMMANDS = "Enter: not known   back: take back the last answer   quit: stop here"


def converse(interview: Interview, console: Console, save: Path | None) -> None:
    """Ask until the outcome is certain, then show the determination; save after every answer."""
    facts = interview.kb.vocabulary.facts
    policy = interview.kb.policy(interview.case.policy)
    print_line(console, 0, (f"{policy.payer} {policy.number}, {policy.title}", "bold"))
    print_line(console, 0, (COMMANDS, "dim"))
    stopped = False
    while not stopped and (question := interview.question()) is not None:
        stopped = not _ask(interview, console, question, facts[question.fact])
        if save is not None:
            _save(interview.case, save)
    determination = interview.determination()
    console.print()
    show_determination(console, determination, policy, interview.kb.vocabulary)
    console.print()
    asked = counted(len(interview.asked), "question")
    settled = determination.outcome is not Outcome.PEND
    ending = "the outcome is certain" if settled else "the outcome is still open"
    print_line(console, 0, f"{asked} asked; {ending}.")
    if save is not None:
        _save(interview.case, save)
        print_line(console, 0, f"The case is saved in {save}.")


def _ask(interview: Interview, console: Console, question: Question, fact: Fact) -> bool:
    """Ask until there is an answer that fits; return whether the interview goes on."""
    print_heading(console, f"{len(interview.asked) + 1}. {question.question}")
    for number, (name, title) in enumerate(sorted((fact.options or {}).items()), start=1):
        label = f"{number:2} " if fact.kind is Kind.CHOICE else ""
        print_line(console, 5, (f"{label}{name}", "cyan"), f"  {title}" if title != name else "")
    while True:
        print_line(console, 5, (HELP[fact.kind] + (f" ({fact.unit})" if fact.unit else ""), "dim"))
        try:
            given = console.input("   > ").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return False
        if given == "quit":
            return False
        if given == "back":
            taken = interview.take_back()
            message = f"Taken back: {taken}" if taken else "There is no answer to take back."
            print_line(console, 5, message)
            if taken:
                return True
            continue
        try:
            interview.answer(fact.name, read_answer(fact, given))
        except CaseError as error:
            for problem in error.problems:
                print_line(console, 5, (printable(problem), "red"))
        else:
            return True


def read_answer(fact: Fact, given: str) -> object:
    """Read what a person types into the JSON form of a value; None if nothing is known.

    Raises CaseError with a sentence for the person.
    """
    if not given or given == "?":
        return None
    match fact.kind:
        case Kind.BOOLEAN:
            return _truth(given)
        case Kind.NUMBER:
            return _number(given)
        case Kind.CHOICE:
            names = [_option(fact, word) for word in _words(given)]
            return names[0] if len(names) == 1 else {"one_of": names}
        case Kind.SET:
            return _members(fact, given)


def _truth(given: str) -> bool:
    if given.lower() in ("y", "yes", "true"):
        return True
    if given.lower() in ("n", "no", "false"):
        return False
    raise CaseError(None, [f"expected yes or no, not {given!r}"])


def _number(given: str) -> object:
    text = given.strip()
    for sign, end in ((">=", "at_least"), ("<=", "at_most")):
        if text.startswith(sign):
            return {end: _figure(text[2:], given)}
    low, dash, high = text.partition("-")
    if dash and low:
        return {"at_least": _figure(low, given), "at_most": _figure(high, given)}
    return _figure(text, given)


def _figure(text: str, given: str) -> int | float:
    text = text.strip()
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise CaseError(None, [f"expected {HELP[Kind.NUMBER]}, not {given!r}"]) from None


def _words(given: str) -> list[str]:
    words = [word.strip() for word in given.split(",") if word.strip()]
    if not words:
        raise CaseError(None, [f"expected names, not {given!r}"])
    return words


def _option(fact: Fact, word: str) -> str:
    """Read a name, a number of the list, a title, a brand or a code as an option of a fact."""
    options: Mapping[str, str] = fact.options or {}
    names = sorted(options)
    if fact.kind is Kind.CHOICE and word.isdecimal() and 0 < int(word) <= len(names):
        return names[int(word) - 1]
    spelt = word.lower().replace(" ", "_")
    titles = {title.lower(): name for name, title in options.items()}
    found = spelt if spelt in options else titles.get(word.lower(), fact.aliases.get(word.lower()))
    if found is None:
        raise CaseError(None, [f"{word!r} is none of these{did_you_mean(spelt, names)}"])
    return found


def _members(fact: Fact, given: str) -> object:
    words = _words(given)
    if [word.lower() for word in words] == ["none"]:
        return []
    signed = [word for word in words if word[0] in "+-"]
    if not signed:
        return [_option(fact, word) for word in words]
    if len(signed) < len(words):
        raise CaseError(None, ["either all names with + or -, or all without"])
    return {
        "includes": [_option(fact, word[1:].strip()) for word in words if word[0] == "+"],
        "excludes": [_option(fact, word[1:].strip()) for word in words if word[0] == "-"],
    }


def _save(case: Case, file: Path) -> None:
    stated = {
        "id": case.id,
        "policy": case.policy,
        "on": case.on,
        "facts": dict(case.facts),
        "records": case.records,
    }
    form = {key: value for key, value in stated.items() if value is not None}
    try:
        file.write_text(json.dumps(form, indent=2, default=float) + "\n", "utf-8")
    except OSError as error:
        raise PolicygroundsError(f"{file}: cannot be written: {error.strerror or error}") from None
