"""Determination letters in plain language, for a general reader, as text and as HTML.

A letter says what was decided, which rules decided it, what would lead to another answer, and how
to ask. It tells no more of a patient than the reason needs. What only the plan knows stands in
brackets. An adverse letter is a draft until a clinician has reviewed it, and says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill

from engine.determination import CriterionStatus, Determination, Outcome, Problem, Status
from engine.explanation import Change, Explanation
from engine.goals import Want
from engine.policy import Policy
from facts.vocabulary import Changer, Vocabulary
from queries.criteria import decisive
from queries.grouping import group_changes
from queries.phrases import either
from queries.printing import printable
from queries.rendering import render_html
from queries.wording import duration, in_the_way, limit_in_words, other_changes, way

COLUMNS = 72
MOST_WAYS = 3
"""Ways to another answer that a letter names."""
MOST_QUESTIONS = 10
"""Open questions that a letter names."""
DRAFT = "DRAFT FOR CLINICIAN REVIEW. DO NOT SEND."
_SENDER = ("[Plan name]", "[Plan address]")
_READER = ("[Date]", "[Member name]", "[Member address]")


@dataclass(frozen=True, slots=True)
class Item:
    """One of a list, with the choices it leaves."""

    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a letter: a heading, paragraphs, and a list."""

    heading: str
    paragraphs: tuple[str, ...]
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says, in order; `draft` says that a clinician must review it first."""

    sender: tuple[str, ...]
    reader: tuple[str, ...]
    about: tuple[tuple[str, str], ...]
    greeting: str
    parts: tuple[Part, ...]
    closing: tuple[str, ...]
    draft: str


def letter(explanation: Explanation, policy: Policy, vocabulary: Vocabulary) -> str:
    """Write a letter as plain text, 72 columns wide."""
    written = _letter(explanation, policy, vocabulary)
    blocks = [
        *([_box(written.draft)] if written.draft else []),
        "\n".join(written.sender),
        "\n".join(written.reader),
        "\n".join(_fill(f"{label}: {value}", "  ") for label, value in written.about),
        written.greeting,
        *(block for part in written.parts for block in _blocks(part)),
        "\n".join(written.closing),
        *([_box(written.draft)] if written.draft else []),
    ]
    return "\n\n".join(blocks) + "\n"


def letter_page(explanation: Explanation, policy: Policy, vocabulary: Vocabulary) -> str:
    """Write a letter as an HTML page to print."""
    written = _letter(explanation, policy, vocabulary)
    return render_html("letter.html.jinja", "letter.css", letter=written)


def _box(text: str) -> str:
    line = "*" * COLUMNS
    return f"{line}\n{_fill(text)}\n{line}"


def _blocks(part: Part) -> Iterator[str]:
    yield part.heading.upper()
    yield from map(_fill, part.paragraphs)
    if part.items:
        lines = []
        for item in part.items:
            lines.append(_fill(f"- {item.text}", "  "))
            lines.extend(_fill(f"  - {choice}", "    ") for choice in item.choices)
        yield "\n".join(lines)


def _fill(text: str, rest: str = "") -> str:
    return fill(text, COLUMNS, subsequent_indent=rest, break_on_hyphens=False)


def _letter(explanation: Explanation, policy: Policy, vocabulary: Vocabulary) -> Letter:
    answer = explanation.determination
    drug = vocabulary.drugs[policy.drug].title
    draft = f"{DRAFT} A clinician must review this letter before it takes effect."
    return Letter(
        sender=_SENDER,
        reader=_READER,
        about=(
            ("About", f"The request for {policy.title}"),
            ("Reference", printable(answer.id) if answer.id else "[Reference number]"),
            ("Policy", f"{policy.payer} {policy.number}, text of {answer.version}"),
            ("Decided for", answer.on),
        ),
        greeting="Dear [Member name]:",
        parts=(
            _decision(answer, drug),
            *_why(answer, policy),
            *_missing(explanation, vocabulary),
            *_another_answer(explanation, vocabulary),
            _how_to_ask(answer),
        ),
        closing=("Sincerely,", "[Name and title]", "[Plan name]"),
        draft=draft if answer.needs_clinician else "",
    )


def _decision(answer: Determination, drug: str) -> Part:
    said = (f"We looked at the request for {drug}.", *_decided(answer))
    return Part("Our decision", (" ".join(said),))


def _decided(answer: Determination) -> Iterator[str]:
    """Say what was decided, and what it means."""
    if answer.outcome is Outcome.APPROVE:
        yield "It is approved."
        yield f"The approval is for {duration(answer.authorization)}."
        for quantity in filter(None, answer.authorization.quantities):
            yield f"It covers at most {limit_in_words(quantity)} (section {quantity.section})."
    elif answer.outcome is Outcome.REFER:
        yield "This policy does not decide the request."
        yield f"It goes on to another policy: {either(answer.refer_to)}."
        yield "We will check it under that policy next. [Who will check it, and by when]"
    elif answer.outcome is Outcome.DENY:
        yield "It is not approved."
        yield from (_BASES[basis] for basis in answer.basis)
    elif answer.possible:
        yield "We cannot decide it yet."
        yield f"It may still be {either([_MAY_BE[outcome] for outcome in answer.possible])}."
    else:
        yield "We cannot decide it yet."
        yield from map(_problem, answer.problems)


_BASES = {
    "not_medically_necessary": "Under the policy it is not medically necessary. That means that "
    "the request does not meet all rules of the policy.",
    "investigational": "Under the policy this use is investigational. That means that the policy "
    "does not cover the drug for this use.",
}
_MAY_BE = {
    Outcome.APPROVE: "approved",
    Outcome.REFER: "sent on to another policy",
    Outcome.DENY: "denied",
}


def _problem(problem: Problem) -> str:
    """Say why a request could not be decided."""
    if problem.kind != "contradiction":
        return "We could not work out the answer. A person must look at it."
    clash = problem.message.removesuffix(f" (facts: {', '.join(problem.facts)})")
    return f"What we were told does not fit together. {clash}. Please tell us what is right."


def _why(answer: Determination, policy: Policy) -> Iterator[Part]:
    """Name the rules that decided."""
    if answer.problems:
        return
    if answer.outcome is Outcome.APPROVE:
        rules = [part for part in answer.criteria.parts if part.status is Status.MET]
        yield Part("Why", ("The request meets these rules:",), tuple(map(_rule, rules)))
        return
    texts = policy.version(answer.version).texts
    said = [
        f"The answer comes from section {section}: {texts[section]}."
        for section in answer.deciding_sections
        if section != answer.criteria.section
    ]
    rules = list(decisive(answer, Status.NOT_MET))
    if rules:
        said.append("These rules are not met:")
    if said:
        yield Part("Why", tuple(said), tuple(map(_rule, rules)))


def _rule(rule: CriterionStatus) -> Item:
    """Give a rule with its section, and the ways by which it is met or could be."""
    met = rule.status is Status.MET
    ways = tuple(
        _cited(part)
        for part in rule.parts
        if rule.needs == "any" and (not met or part.status is Status.MET)
    )
    if not ways:
        return Item(_cited(rule))
    meaning = "It is met by this:" if met else "One of these would be enough:"
    return Item(f"{_cited(rule)} {meaning}", ways)


def _cited(rule: CriterionStatus) -> str:
    return f"Section {rule.section}: {rule.text}."


def _missing(explanation: Explanation, vocabulary: Vocabulary) -> Iterator[Part]:
    """Ask for what is still needed."""
    answer = explanation.determination
    if answer.outcome is not Outcome.PEND or not answer.unknown_that_matter:
        return
    first = [explanation.next_question.fact] if explanation.next_question else []
    names = [*first, *(name for name in answer.unknown_that_matter if name not in first)]
    items = tuple(Item(vocabulary.facts[name].question) for name in names[:MOST_QUESTIONS])
    said = ["Please send us the answers to these questions. Your doctor can help you."]
    if len(names) > MOST_QUESTIONS:
        said.append("We may have more questions after these.")
    yield Part("What we still need", (" ".join(said),), items)


def _another_answer(explanation: Explanation, vocabulary: Vocabulary) -> Iterator[Part]:
    """Say what would lead to approval, as far as it can be sent in, prescribed or awaited."""
    answer = explanation.determination
    if answer.outcome is Outcome.APPROVE or answer.problems:
        return
    groups = group_changes([*filter(_obtainable, _to_approval(explanation))], vocabulary)
    ways = [way(group, vocabulary) for group in groups[:MOST_WAYS]]
    items = tuple(Item(" ".join(map(str, one.steps))) for one in ways)
    fixed = in_the_way(explanation, vocabulary)
    if items:
        said = [
            "The request could be approved if one of these is true.",
            "This is not advice about treatment. Please talk with your doctor.",
        ]
        if len(groups) > MOST_WAYS:
            said.append("There are more ways than these. Please ask us about them.")
    elif explanation.complete and explanation.want == Want(Outcome.APPROVE):
        said = ["We found nothing that could lead to approval under this policy."]
        if fixed:
            said.append(f"What stands in the way cannot be changed: {fixed}.")
        said.append("If our record is wrong, please tell us.")
    else:
        return
    yield Part("What could lead to another answer", (" ".join(said),), items)


def _to_approval(explanation: Explanation) -> Iterator[Change]:
    yield from explanation.approve_if
    if explanation.want == Want(Outcome.APPROVE):
        yield from other_changes(explanation)


def _obtainable(change: Change) -> bool:
    """Whether a change takes neither a correction of the record nor what cannot be changed."""
    return not change.undoes and change.effort is not Changer.FIXED


def _how_to_ask(answer: Determination) -> Part:
    questions = "Please call us if you have questions: [Plan phone and hours]"
    if answer.outcome is Outcome.APPROVE:
        return Part("Questions", (questions,))
    if answer.outcome is Outcome.PEND and not answer.needs_clinician:
        send = "Please send what we need by [last day] to [Plan address and fax]."
        return Part("How to answer", (send, questions))
    appeal = (
        "You can ask us to look at this again. This is called an appeal. You, your doctor or a "
        "person you choose can ask. Please ask by [last day to ask]. Send it to [appeal address, "
        "phone and fax]. If waiting could harm your health, ask for a fast answer."
    )
    papers = "You can ask us for the policy and for the records that we used."
    return Part("If you do not agree", (appeal, papers, questions))
