"""Drug-coverage determinations with their grounds, from policies written as logic."""

from engine.determination import Authorization, CriterionStatus, Determination, Outcome, Status
from engine.explanation import Change, Explanation, Question, Reason
from facts.case import Case
from facts.errors import (
    CaseError,
    KnowledgeBaseError,
    PolicygroundsError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
    UnknownUnitError,
    UnknownWantError,
    UnreadableInputError,
)
from queries.knowledge_base import Counterexample, KnowledgeBase
from queries.policy_tests import PolicyTestReport

__all__ = [
    "Authorization",
    "Case",
    "CaseError",
    "Change",
    "Counterexample",
    "CriterionStatus",
    "Determination",
    "Explanation",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "Outcome",
    "PolicyTestReport",
    "PolicygroundsError",
    "Question",
    "Reason",
    "Status",
    "UncoveredDateError",
    "UnknownPolicyError",
    "UnknownReadingError",
    "UnknownUnitError",
    "UnknownWantError",
    "UnreadableInputError",
]
