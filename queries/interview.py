"""An interview: a case that grows by one answer at a time, and the next question to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.determination import Determination, Outcome
from engine.explanation import Question
from facts.case import Case, read_facts
from facts.errors import CaseError
from facts.values import case_form, narrowed
from queries.knowledge_base import KnowledgeBase


@dataclass(slots=True)
class Interview:
    """The state of an interview.

    It asks for what is expected to settle most, leaves out what cannot matter any more, and is
    over as soon as the outcome is certain, or when all that matters has been asked for.
    """

    kb: KnowledgeBase
    case: Case
    readings: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _before: list[Case] = field(default_factory=list)

    def determination(self) -> Determination:
        """Decide the case as far as it is known."""
        return self.kb.determine(self.case, readings=self.readings)

    def question(self) -> Question | None:
        """Return the question to ask now, or None if the interview is over."""
        determination = self.determination()
        unresolved = any(problem.kind != "stopped" for problem in determination.problems)
        if determination.outcome is not Outcome.PEND or unresolved:
            return None
        return self.kb.next_question(self.case, readings=self.readings, without=self.asked)

    def answer(self, fact: str, value: object) -> None:
        """Take an answer, in the JSON form of a value; None if it is not known.

        No fact is asked for twice. Raises CaseError, and takes nothing, if the value does not fit
        the fact or contradicts what is known.
        """
        answered = replace(self.case, facts={**self.case.facts, **self._learnt(fact, value)})
        determination = self.kb.determine(answered, readings=self.readings)
        clashes = [p.message for p in determination.problems if p.kind == "contradiction"]
        if clashes:
            raise CaseError(self.case.id, clashes)
        self._before.append(self.case)
        self.case = answered
        self.asked.append(fact)

    def _learnt(self, fact: str, value: object) -> Mapping[str, object]:
        """Return what a fact's value becomes, all that was known of it before included."""
        vocabulary = self.kb.vocabulary
        before, _ = read_facts(self.case, vocabulary)
        given, problems = read_facts(replace(self.case, facts={fact: value}), vocabulary)
        if problems:
            raise CaseError(self.case.id, problems)
        if fact not in given:
            return {}
        if fact not in before:
            return {fact: value}
        both = narrowed(before[fact], given[fact])
        if both is None:
            message = f"fact {fact!r}: the answer contradicts what is known of it already"
            raise CaseError(self.case.id, [message])
        return {fact: case_form(vocabulary.facts[fact], both)}

    def take_back(self) -> str | None:
        """Take back the last answer, and return what it was about; None if there is none."""
        if not self._before:
            return None
        self.case = self._before.pop()
        return self.asked.pop()
