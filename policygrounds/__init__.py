"""Drug-coverage determinations with their grounds, from policies written as logic."""

from engine.analysis.difference import Comparison, Route, Verdict
from engine.analysis.finding import Finding, FindingKind, Severity, Witness
from engine.determination import Authorization, CriterionStatus, Determination, Outcome, Status
from engine.explanation import Change, Explanation, Question, Reason
from engine.relations.database import NoCasesError
from facts.case import Case
from facts.errors import (
    AcceptanceError,
    CaseError,
    KnowledgeBaseError,
    MissingExtraError,
    PolicygroundsError,
    QueryError,
    QueryLimitError,
    SavedQueryError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
    UnknownRelationError,
    UnknownUnitError,
    UnknownWantError,
    UnreadableInputError,
)
from queries.accepted import Acceptance
from queries.datalog import Answer, Limits
from queries.knowledge_base import Counterexample, KnowledgeBase
from queries.policy_tests import PolicyTestReport
from queries.saved import SavedQuery
from queries.saved import library as saved_queries

__all__ = [
    "Acceptance",
    "AcceptanceError",
    "Answer",
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
    "Limits",
    "MissingExtraError",
    "NoCasesError",
    "Outcome",
    "PolicyTestReport",
    "PolicygroundsError",
    "QueryError",
    "QueryLimitError",
    "Question",
    "Reason",
    "Route",
    "SavedQuery",
    "SavedQueryError",
    "Severity",
    "Status",
    "UncoveredDateError",
    "UnknownPolicyError",
    "UnknownReadingError",
    "UnknownRelationError",
    "UnknownUnitError",
    "UnknownWantError",
    "UnreadableInputError",
    "Verdict",
    "Witness",
    "saved_queries",
]
