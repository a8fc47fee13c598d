"""Loading knowledge bases: the packaged one here, any other in a process that can be killed.

A policy file from outside may be hostile. It passes the gate and is grounded in a child process
with limits on memory and time; what comes back is plain data. The packaged files are grounded in
this process: they are as trusted as the code.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer
from typing import Any

import kb
from engine.gate import LARGEST_FILE
from engine.grounding import SourceFile, ground_policy, ground_vocabulary
from engine.policy import Policy, build_policy
from engine.program import GroundProgram
from engine.vocabulary import build_vocabulary
from facts.errors import FileProblem, KnowledgeBaseError
from facts.vocabulary import Vocabulary

SECONDS_FOR_A_FILE = 20.0
"""The packaged policies take less than one."""
SECONDS_TO_START = 30.0
"""For the child to start and read the vocabulary, on a busy machine."""
MEMORY_BYTES = 1 << 30
"""Address space of the child; the packaged policies need a tenth."""


@dataclass(frozen=True, slots=True)
class Library:
    """A vocabulary and the policies written in it, by number."""

    vocabulary: Vocabulary
    policies: Mapping[str, Policy]


def load_packaged() -> Library:
    """Load the knowledge base this package brings."""
    base = ground_vocabulary(map(_read, sorted((kb.FOLDER / "vocabulary").glob("*.lp"))))
    files = map(_read, sorted((kb.FOLDER / "policies").rglob("*.lp")))
    built = [(file.name, build_policy(ground_policy(file, base))) for file in files]
    return Library(base.vocabulary, _by_number(built))


def load_folders(
    folders: Sequence[Path],
    *,
    seconds: float = SECONDS_FOR_A_FILE,
    memory: int = MEMORY_BYTES,
) -> Library:
    """Load the policies below some folders, over the packaged vocabulary and their own.

    Files below a folder named `vocabulary` add facts, drugs and diagnoses; every other `.lp` file
    is a policy. Raises KnowledgeBaseError with the problems of all files.
    """
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        raise KnowledgeBaseError(
            [FileProblem(str(folder), None, None, "no such folder") for folder in missing]
        )
    paths = sorted({path for folder in folders for path in _found(folder)})
    own = [path for path in paths if "vocabulary" in _inside(path, folders).parts]
    policies = [path for path in paths if "vocabulary" not in _inside(path, folders).parts]
    if not policies:
        names = ", ".join(str(folder) for folder in folders)
        raise KnowledgeBaseError([FileProblem(names, None, None, "no policy file (.lp) in it")])
    packaged = sorted((kb.FOLDER / "vocabulary").glob("*.lp"))
    worker = _Worker([_read(path) for path in (*packaged, *own)], seconds, memory)
    problems: list[FileProblem] = []
    built: list[tuple[str, Policy]] = []
    try:
        base = worker.vocabulary(", ".join(map(_shown, own or packaged)))
        for path in policies:
            try:
                file = _read(path)
                built.append((file.name, build_policy(worker.ground(file))))
            except KnowledgeBaseError as error:
                problems.extend(error.problems)
    finally:
        worker.stop()
    if problems:
        raise KnowledgeBaseError(problems)
    return Library(base, _by_number(built))


def _found(folder: Path) -> Iterator[Path]:
    """Find whatever is named like a policy file below a folder, without recursion."""
    pending = [folder]
    while pending:
        below = pending.pop()
        try:
            entries = list(os.scandir(below))
        except OSError as error:
            raise _unreadable(below, error) from None
        yield from (Path(entry) for entry in entries if entry.name.endswith(".lp"))
        pending += [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]


def _inside(path: Path, folders: Iterable[Path]) -> Path:
    """Return the folders of a file below the knowledge base it belongs to."""
    return min(
        (path.parent.relative_to(folder) for folder in folders if path.is_relative_to(folder)),
        key=lambda inside: len(inside.parts),
    )


def _read(path: Path) -> SourceFile:
    """Read a regular file up to the size the gate allows, without ever waiting for a pipe."""
    try:
        if not path.is_file():
            raise KnowledgeBaseError(
                [FileProblem(_shown(path), None, None, "this is no regular file")]
            )
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            return SourceFile(_shown(path), file.read(LARGEST_FILE + 1))
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> KnowledgeBaseError:
    return KnowledgeBaseError(
        [FileProblem(_shown(path), None, None, f"this cannot be read: {error.strerror}")]
    )


def _shown(path: Path) -> str:
    """Name a file in messages: packaged ones from `kb` on, others as they were given."""
    if path.is_relative_to(kb.FOLDER):
        return str(Path("kb") / path.relative_to(kb.FOLDER))
    return str(path) if str(path).isprintable() else repr(str(path))


def _by_number(built: Iterable[tuple[str, Policy]]) -> Mapping[str, Policy]:
    policies: dict[str, Policy] = {}
    files: dict[str, str] = {}
    for file, policy in built:
        if policy.number in policies:
            message = f"policy {policy.number!r} is also stated in {files[policy.number]}"
            raise KnowledgeBaseError([FileProblem(file, None, None, message)])
        policies[policy.number] = policy
        files[policy.number] = file
    return dict(sorted(policies.items()))


class _Worker:
    """A child process that grounds files one by one, and ends itself when one takes too long."""

    def __init__(self, vocabulary: Sequence[SourceFile], seconds: float, memory: int) -> None:
        self._vocabulary = vocabulary
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[str] | None = None

    def vocabulary(self, about: str) -> Vocabulary:
        """Read the vocabulary files. Raises KnowledgeBaseError; `about` is blamed for a crash."""
        answer = self._started(about)
        return build_vocabulary(GroundProgram.from_json(answer["vocabulary"]), about)

    def ground(self, file: SourceFile) -> Mapping[str, GroundProgram]:
        """Ground a policy file. Raises KnowledgeBaseError, also if the child died of it."""
        if self._process is None:
            self._started(file.name)
        answer = self._ask(_sent(file), file.name)
        return {day: GroundProgram.from_json(raw) for day, raw in answer["programs"].items()}

    def stop(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self, about: str) -> dict[str, Any]:
        places = [str(kb.FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        )
        vocabulary = [_sent(file) for file in self._vocabulary]
        limits = {"memory": self._memory, "seconds": self._seconds}
        return self._ask({"vocabulary": vocabulary, **limits}, about)

    def _ask(self, request: Mapping[str, object], about: str) -> dict[str, Any]:
        """Send one line and wait for one line; a child that is late or gone is a problem."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the worker is not running")
        expired = Event()

        def end() -> None:
            expired.set()
            process.kill()

        # The child ends itself when it is late; this is for one that cannot even do that.
        late = Timer(self._seconds + SECONDS_TO_START, end)
        late.start()
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            late.cancel()
        if not line.endswith("\n"):
            process.kill()
            message = self._end(process.wait(), late=expired.is_set())
            self.stop()
            raise KnowledgeBaseError([FileProblem(about, None, None, message)])
        answer: dict[str, Any] = json.loads(line)
        if "problems" in answer:
            raise KnowledgeBaseError([FileProblem(*problem) for problem in answer["problems"]])
        return answer

    def _end(self, status: int, *, late: bool) -> str:
        if late or status == -signal.SIGALRM:
            return f"grounding took more than {self._seconds:g} seconds and was stopped"
        return f"grounding needed more than {self._memory >> 20} MiB or crashed, and was stopped"


def _sent(file: SourceFile) -> dict[str, str]:
    return {"name": file.name, "content": file.content.decode("latin-1")}
