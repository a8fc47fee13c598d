"""The child process that evaluates queries: one request after the other, and an answer to each.

What exceeds its time ends the process; what exceeds its memory is answered, or ends it too. Both
ends are ours: requests and answers are pickled, and hold no more than queries and rows.
"""

import gc
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import BinaryIO, TypeAlias

from engine.datalog import Cell, Query
from engine.deduction import deduce
from engine.relation import Row
from queries.datalog.answer import arranged
from queries.datalog.evaluation import evaluate
from queries.datalog.messages import Reply, Request

Derive: TypeAlias = Callable[[Query, Mapping[str, frozenset[Row]]], frozenset[tuple[Cell, ...]]]

ENGINES: Mapping[str, Derive] = {"pyDatalog": evaluate, "clingo": deduce}


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked is told, and ends this process
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})  # a caller's mask is inherited
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()  # it would look again and again at millions of objects that live as long as the query
    gc.freeze()
    while True:
        try:
            request: Request = pickle.load(requests)  # noqa: S301  # the parent's own
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, request.limits.seconds)
        reply = _answer(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        pickle.dump(reply, replies, protocol=pickle.HIGHEST_PROTOCOL)
        replies.flush()
        gc.collect()


def _answer(request: Request) -> Reply:
    _limit_memory(request.limits.memory)
    try:
        rows = arranged(request.query, ENGINES[request.engine](request.query, request.tables))
    except MemoryError:
        return Reply([], out_of_memory=True)
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent has to hear of it
        place = traceback.extract_tb(error.__traceback__)[
            -1
        ]  # its text may hold a patient's values
        return Reply([], failure=f"{type(error).__name__} in {place.name}, line {place.lineno}")
    finally:
        _limit_memory(resource.RLIM_INFINITY)
    return Reply(rows if len(rows) <= request.limits.rows else [], len(rows))


def _limit_memory(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


if __name__ == "__main__":
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what an engine prints is no reply
        main(sys.stdin.buffer, replies)
