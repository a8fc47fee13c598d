"""Loading knowledge bases: the packaged one here, any other in a process that can be killed.

A file from outside may be hostile. It passes the gate and is grounded in a child process
with limits on memory and time; what comes back is plain data. The packaged files are grounded in
this process: they are as trusted as the code.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event, Timer
from typing import Any, Literal, TypeVar

import kb
from engine.derivation import DerivationFile, Deriver
from engine.gate import LARGEST_FILE
from engine.grounding import SourceFile, ground_policy, ground_reference, ground_vocabulary
from engine.policy import Policy, build_policy
from engine.program import GroundProgram
from engine.references import Reference, build_reference, contradicted_nowhere
from engine.vocabulary import build_vocabulary
from facts.errors import FileProblem, KnowledgeBaseError
from facts.vocabulary import Vocabulary

SECONDS_FOR_A_FILE = 20.0
"""The packaged policies take less than one."""
SECONDS_TO_START = 30.0
"""For the child to start and read the vocabulary, on a busy machine."""
MEMORY_BYTES = 1 << 30
"""Address space of the child; the packaged policies need a tenth."""


Dated = TypeVar("Dated", Policy, Reference)


@dataclass(frozen=True)
class Library:
    """A vocabulary and the policies written in it, by number, with the references beside them.

    `words` are the statements the vocabulary is built from. `files` are those in which the policies are stated, by number too.
    The packaged references are read when they are first asked for: no determination needs them.
    """

    vocabulary: Vocabulary
    words: GroundProgram
    policies: Mapping[str, Policy]
    files: Mapping[str, Path]
    read_references: Callable[[], Mapping[str, Reference]] = field(repr=False)
    read_evidence: Callable[[], Mapping[str, Reference]] | None = field(default=None, repr=False)
    """Where the figures of derivation are read from, if not from the references."""

    @cached_property
    def references(self) -> Mapping[str, Reference]:
        """Labels, guidelines and other evidence, by name."""
        return self.read_references()

    @cached_property
    def deriver(self) -> Deriver:
        """What derives facts from the records of a case, by the packaged rules."""
        evidence = self.read_evidence() if self.read_evidence else self.references
        paths = sorted((kb.FOLDER / "derivations").glob("*.lp"))
        files = [DerivationFile(_shown(path), path.read_text("ascii")) for path in paths]
        return Deriver(self.vocabulary, files, evidence)


def load_packaged() -> Library:
    """Load the knowledge base this package brings."""
    base = ground_vocabulary(map(_read, sorted((kb.FOLDER / "vocabulary").glob("*.lp"))))
    paths = sorted((kb.FOLDER / "policies").rglob("*.lp"))
    built = [(file.name, build_policy(ground_policy(file, base))) for file in map(_read, paths)]
    policy_files = {policy.number: path for path, (_, policy) in zip(paths, built, strict=True)}

    def read_references() -> Mapping[str, Reference]:
        files = map(_read, sorted((kb.FOLDER / "references").rglob("*.lp")))
        return _by_reference_name(
            [(file.name, build_reference(ground_reference(file, base))) for file in files]
        )

    return Library(base.vocabulary, base.program, _by_number(built), policy_files, read_references)


def load_folders(
    folders: Sequence[Path],
    *,
    seconds: float = SECONDS_FOR_A_FILE,
    memory: int = MEMORY_BYTES,
) -> Library:
    """Load the policies below some folders, over the packaged vocabulary and their own.

    Files below a folder named `vocabulary` add facts, drugs and diagnoses, those below a folder
    named `references` are references; every other `.lp` file is a policy. Raises KnowledgeBaseError
    with the problems of all files.
    """
    missing = [folder for folder in folders if not folder.is_dir()]
    if missing:
        raise KnowledgeBaseError(
            [FileProblem(str(folder), None, None, "no such folder") for folder in missing]
        )
    paths: dict[str, list[Path]] = {"vocabulary": [], "references": [], "policies": []}
    for path in sorted({path for folder in folders for path in _found(folder)}):
        inside = _inside(path, folders).parts
        paths[next((name for name in paths if name in inside), "policies")].append(path)
    _refuse_derivations(
        path for path in paths["policies"] if "derivations" in _inside(path, folders).parts
    )
    if not paths["policies"]:
        names = ", ".join(str(folder) for folder in folders)
        raise KnowledgeBaseError([FileProblem(names, None, None, "no policy file (.lp) in it")])
    packaged = sorted((kb.FOLDER / "vocabulary").glob("*.lp"))
    worker = _Worker([_read(path) for path in (*packaged, *paths["vocabulary"])], seconds, memory)
    problems: list[FileProblem] = []
    policies: list[tuple[str, Policy]] = []
    policy_files: dict[str, Path] = {}
    references: list[tuple[str, Reference]] = []
    try:
        about = ", ".join(map(_shown, paths["vocabulary"] or packaged))
        words = worker.vocabulary(about)
        base = build_vocabulary(words, about)
        for path in (*paths["policies"], *paths["references"]):
            try:
                file = _read(path)
                if path in paths["references"]:
                    programs = worker.ground(file, "reference")
                    references.append((file.name, build_reference(programs)))
                else:
                    policy = build_policy(worker.ground(file, "policy"))
                    policies.append((file.name, policy))
                    policy_files[policy.number] = path
            except KnowledgeBaseError as error:
                problems.extend(error.problems)
    finally:
        worker.stop()
    if problems:
        raise KnowledgeBaseError(problems)
    by_name = _by_reference_name(references)
    return Library(
        base,
        words,
        _by_number(policies),
        policy_files,
        lambda: by_name,
        lambda: load_packaged().references,
    )


def _refuse_derivations(paths: Iterable[Path]) -> None:
    """Raise KnowledgeBaseError for rules of derivation from outside: they may compute without end."""
    message = (
        "rules of derivation are read from the package alone; state what follows in a policy's own "
        "rules, or move the file out of the folder named derivations"
    )
    problems = [FileProblem(_shown(path), None, None, message) for path in paths]
    if problems:
        raise KnowledgeBaseError(problems)


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
    """Return the folders of a file from the knowledge base it belongs to on, by name."""
    return min(
        (
            folder.resolve().name / path.parent.relative_to(folder)
            for folder in folders
            if path.is_relative_to(folder)
        ),
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
    return _once("policy", [(file, policy.number, policy) for file, policy in built])


def _by_reference_name(built: Sequence[tuple[str, Reference]]) -> Mapping[str, Reference]:
    references = _once(
        "reference", [(file, reference.name, reference) for file, reference in built]
    )
    files = {reference.name: file for file, reference in built}
    problems = [
        FileProblem(files[reference.name], None, None, message)
        for reference, message in contradicted_nowhere(references.values())
    ]
    if problems:
        raise KnowledgeBaseError(list(dict.fromkeys(problems)))
    return references


def _once(what: str, built: Iterable[tuple[str, str, Dated]]) -> Mapping[str, Dated]:
    """Name the documents; no two files may state the same one."""
    documents: dict[str, Dated] = {}
    files: dict[str, str] = {}
    for file, name, document in built:
        if name in documents:
            message = f"{what} {name!r} is also stated in {files[name]}"
            raise KnowledgeBaseError([FileProblem(file, None, None, message)])
        documents[name] = document
        files[name] = file
    return dict(sorted(documents.items()))


class _Worker:
    """A child process that grounds files one by one, and ends itself when one takes too long."""

    def __init__(self, vocabulary: Sequence[SourceFile], seconds: float, memory: int) -> None:
        self._vocabulary = vocabulary
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[str] | None = None

    def vocabulary(self, about: str) -> GroundProgram:
        """Read the vocabulary files. Raises KnowledgeBaseError; `about` is blamed for a crash."""
        return GroundProgram.from_json(self._started(about)["vocabulary"])

    def ground(
        self, file: SourceFile, document: Literal["policy", "reference"]
    ) -> Mapping[str, GroundProgram]:
        """Ground a policy or reference. Raises KnowledgeBaseError, also if the child died of it."""
        if self._process is None:
            self._started(file.name)
        answer = self._ask({**_sent(file), "document": document}, file.name)
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
