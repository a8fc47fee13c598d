"""An interview: a case that grows by one answer at a time, and the next question to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.determination import Determination, Outcome
from engine.explanation import Question
from facts.case import Case
from facts.errors import CaseError
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
        if determination.outcome is not Outcome.PEND or determination.problems:
            return None
        return self.kb.next_question(self.case, readings=self.readings, without=self.asked)

    def answer(self, fact: str, value: object) -> None:
        """Take an answer, in the JSON form of a value; None if it is not known.

        No fact is asked for twice. Raises CaseError, and takes nothing, if the value does not fit
        the fact or contradicts what is known.
        """
        answered = self.case
        if value is not None:
            answered = replace(self.case, facts={**self.case.facts, fact: value})
        problems = self.kb.determine(answered, readings=self.readings).problems
        if problems:
            raise CaseError(self.case.id, [problem.message for problem in problems])
        self._before.append(self.case)
        self.case = answered
        self.asked.append(fact)

    def take_back(self) -> str | None:
        """Take back the last answer, and return what it was about; None if there is none."""
        if not self._before:
            return None
        self.case = self._before.pop()
        return self.asked.pop()
