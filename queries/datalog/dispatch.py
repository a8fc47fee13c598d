"""Dispatch: having a query evaluated in a process that can be killed, and never waiting for long."""

import atexit
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Timer

from engine.datalog import Cell, Query
from engine.relation import Row
from facts.errors import QueryLimitError
from queries.datalog.messages import Limits, Reply, Request

SECONDS_TO_START = 30.0
"""For a child to start and to read its request, on a busy machine."""
MOST_REQUESTS = 1_000
"""Requests to one child; pyDatalog does not give back all the memory it took."""


class EvaluationError(RuntimeError):
    """An engine failed at a query that was checked: a mistake of this program, and not of a caller."""


def evaluated(
    engine: str, query: Query, tables: Mapping[str, frozenset[Row]], limits: Limits
) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows of a query in their order, by one of the engines.

    Raises QueryLimitError where they take too much.
    """
    worker = _waiting() or _Worker()
    try:
        reply = worker.ask(Request(engine, query, tables, limits))
    except BaseException:
        worker.stop()
        raise
    if reply.out_of_memory or worker.requests >= MOST_REQUESTS:
        worker.stop()
    else:
        _idle.append(worker)
    if reply.out_of_memory:
        raise QueryLimitError(_memory(limits))
    if reply.failure is not None:
        raise EvaluationError(f"{engine}: {reply.failure}")
    if reply.count > limits.rows:
        raise QueryLimitError(
            f"the query gives {reply.count:,} rows, more than {limits.rows:,}; narrow it, or end it with limit"
        )
    return tuple(reply.rows)


def _waiting() -> "_Worker | None":
    """Take a child that waits, but none of a process that this one was forked from."""
    while True:
        try:
            worker = _idle.pop()
        except IndexError:
            return None
        if worker.owner == os.getpid():
            return worker


class _Worker:
    """A child process that evaluates one query after the other."""

    def __init__(self) -> None:
        places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.owner = os.getpid()
        self.requests = 0
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "queries.datalog.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        )

    def ask(self, request: Request) -> Reply:
        """Send a request and wait for the reply. Raises QueryLimitError if the child is late or gone."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        expired = Event()

        def end() -> None:
            expired.set()
            process.kill()

        # The child ends itself when it is late; this is for one that cannot even do that.
        late = Timer(request.limits.seconds + SECONDS_TO_START, end)
        late.daemon = True
        late.start()
        self.requests += 1
        try:
            pickle.dump(request, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            reply: Reply = pickle.load(process.stdout)  # noqa: S301  # the child's own
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            process.kill()
            status = process.wait()
            if expired.is_set() or status == -signal.SIGALRM:
                message = (
                    f"the query took more than {request.limits.seconds:g} seconds and was stopped; "
                    "narrow it, or join relations by common variables"
                )
                raise QueryLimitError(message) from None
            raise QueryLimitError(_memory(request.limits)) from None
        finally:
            late.cancel()
        return reply

    def stop(self) -> None:
        """End the child."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was not sent need not be
                    pipe.close()
        self._process.wait()


def _memory(limits: Limits) -> str:
    return (
        f"the query needed more than {limits.memory >> 20:,} MiB or crashed, and was stopped; "
        "narrow it, or join relations by common variables"
    )


_idle: list[_Worker] = []
"""Children that wait for a request; taking and returning one is atomic."""


@atexit.register
def _stop_idle() -> None:
    while _idle:
        worker = _idle.pop()
        if worker.owner == os.getpid():
            worker.stop()
