"""Drug-coverage determinations with their grounds, from policies written as logic."""

from engine.analysis.difference import Comparison, Route, Verdict
from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.determination import Authorization, CriterionStatus, Determination, Outcome, Status
from engine.explanation import Change, Explanation, Question, Reason
from facts.case import Case
from facts.errors import (
    AcceptanceError,
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
from queries.accepted import Acceptance
from queries.knowledge_base import Counterexample, KnowledgeBase
from queries.policy_tests import PolicyTestReport

__all__ = [
    "Acceptance",
    "AcceptanceError",
    "Authorization",
    "Case",
    "CaseError",
    "Change",
    "Comparison",
    "Counterexample",
    "CriterionStatus",
    "Determination",
    "Explanation",
    "Finding",
    "FindingKind",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "Outcome",
    "PolicyTestReport",
    "PolicygroundsError",
    "Question",
    "Reason",
    "Route",
    "Severity",
    "Status",
    "UncoveredDateError",
    "UnknownPolicyError",
    "UnknownReadingError",
    "UnknownUnitError",
    "UnknownWantError",
    "UnreadableInputError",
    "Verdict",
    "Witness",
]
