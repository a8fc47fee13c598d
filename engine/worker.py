"""The child process that grounds files from outside: one JSON request a line, one answer a line.

The first request brings the vocabulary files and the limits on memory and time, each later one a
policy or reference file. What exceeds the time ends the process, and so does the memory, in
clingo's hands.
"""

import json
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Mapping

from engine.grounding import (
    GroundVocabulary,
    SourceFile,
    ground_policy,
    ground_reference,
    ground_vocabulary,
)
from engine.program import GroundProgram
from facts.errors import KnowledgeBaseError


def main(requests: Iterable[str]) -> None:
    """Answer requests until there are no more."""
    base: GroundVocabulary | None = None
    seconds = 0.0
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})  # a caller's mask is inherited
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in requests:
        request = json.loads(line)
        seconds = request.get("seconds", seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if base is None:
            resource.setrlimit(resource.RLIMIT_AS, (request["memory"], request["memory"]))
            base, answer = _answer_vocabulary([_file(raw) for raw in request["vocabulary"]])
        else:
            ground = {"policy": ground_policy, "reference": ground_reference}[request["document"]]
            answer = _answer_document(_file(request), base, ground)
        text = json.dumps(answer)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _answer_vocabulary(files: list[SourceFile]) -> tuple[GroundVocabulary | None, object]:
    try:
        base = ground_vocabulary(files)
    except KnowledgeBaseError as error:
        return None, _problems(error)
    return base, {"vocabulary": base.program.to_json()}


def _answer_document(
    file: SourceFile,
    base: GroundVocabulary,
    ground: Callable[[SourceFile, GroundVocabulary], Mapping[str, GroundProgram]],
) -> object:
    try:
        programs = ground(file, base)
    except KnowledgeBaseError as error:
        return _problems(error)
    return {"programs": {day: program.to_json() for day, program in programs.items()}}


def _problems(error: KnowledgeBaseError) -> object:
    return {
        "problems": [
            [problem.file, problem.line, problem.column, problem.message]
            for problem in error.problems
        ]
    }


def _file(raw: dict[str, str]) -> SourceFile:
    return SourceFile(raw["name"], raw["content"].encode("latin-1"))


if __name__ == "__main__":
    main(sys.stdin)
