"""Drug-coverage determinations with their grounds, from policies written as logic."""

from engine.determination import Authorization, CriterionStatus, Determination, Outcome, Status
from facts.case import Case
from facts.errors import (
    CaseError,
    KnowledgeBaseError,
    PolicygroundsError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
)
from queries.knowledge_base import Counterexample, KnowledgeBase

__all__ = [
    "Authorization",
    "Case",
    "CaseError",
    "Counterexample",
    "CriterionStatus",
    "Determination",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "Outcome",
    "PolicygroundsError",
    "Status",
    "UncoveredDateError",
    "UnknownPolicyError",
    "UnknownReadingError",
]
