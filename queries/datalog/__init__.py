"""Queries in Datalog over the relations of a database."""

from queries.datalog.answer import Answer
from queries.datalog.asking import ask, check, read_query
from queries.datalog.messages import Limits

__all__ = ["Answer", "Limits", "ask", "check", "read_query"]
