"""A file of cases decided part by part, by several processes; what was stopped can go on.

Each block becomes a part of its own beside the output, put in its place when it is whole. A run of
the same input, policies and options leaves out the parts that are there, so it ends with the same
output however often it was stopped. Then the parts are put together and removed.
"""

import json
import os
import re
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
from pyarrow import compute, feather

from engine.many import content_hash
from facts.errors import PolicygroundsError, TableError
from facts.vocabulary import Vocabulary
from queries.batch.blocks import REJECTED, BlockDecider, Request, block_decider
from queries.batch.files import CSV_BYTES, OUTPUTS, ROWS, Block, TableFile, form_of
from queries.batch.writing import WRITERS, csv_text
from queries.knowledge_base import KnowledgeBase
from queries.shell import program_version

FORM = 2
"""The form of parts; another one is not gone on with."""
OWN = re.compile(r"(job|whole|refused|\d{8}\.(rejected|answered|done))(\.\d+)?$")
"""The files in a folder of parts."""
PARTS = ("rejected", "answered")
"""What becomes of a block, in files of its own."""
AHEAD = 3
"""Blocks read ahead of each process."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be decided, and where to: input, output, rejected rows, and what is asked."""

    source: Path
    output: Path
    rejects: Path
    request: Request
    readings: Mapping[str, str]
    folders: tuple[Path, ...] = ()

    @property
    def parts(self) -> Path:
        """The folder of what is done so far."""
        return self.output.with_name(f"{self.output.name}.parts")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a block, or of all: rows read, answers by outcome, and rows rejected."""

    rows: int
    outcomes: Mapping[str, int]
    rejected: int


def run(
    kb: KnowledgeBase, job: Job, processes: int, tell: Callable[[int], None], *, alone: int = 0
) -> Done:
    """Decide a file; `tell` is called with the number of rows of each block that is done.

    This process decides about so many rows `alone` before others are started. Raises TableError,
    UnknownPolicyError and UnknownReadingError.
    """
    table = TableFile(job.source)
    decider = block_decider(kb, job.request, job.readings)
    _begin(job, _fingerprint(kb, job))
    columns = [name for name in table.columns if _is_asked(job.request, name)]
    total = Counter[str]()
    rows = rejected = 0
    blocks = _read_ahead(table.blocks(columns, job.request.layout.kept))
    for done in _decided(job, decider, enumerate(blocks), processes, alone):
        tell(done.rows)
        rows += done.rows
        rejected += done.rejected
        total.update(done.outcomes)
    _put_together(job)
    return Done(rows, total, rejected)


def _read_ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield blocks, each read while the one before is decided."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, blocks, None)
            yield block


def _is_asked(request: Request, column: str) -> bool:
    layout = request.layout
    return (
        column in layout.frame
        or column in layout.kept
        or any(heading.column == column for heading in layout.facts)
    )


def _decided(
    job: Job,
    decider: BlockDecider,
    blocks: Iterator[tuple[int, Block]],
    processes: int,
    alone: int,
) -> Iterator[Done]:
    """Decide the blocks that are not done yet, in this process or in several; yield all in order."""
    decided = 0
    while processes == 1 or decided < alone:
        place, block = next(blocks, (0, None))
        if block is None:
            return
        done = _done_before(job, place)
        if done is None:
            done = _decide(job, decider, place, block)
            decided += done.rows
        yield done
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(job,)) as pool:
        pending: deque[Future[Done]] = deque()
        for place, block in blocks:
            before = _done_before(job, place)
            if before is None:
                pending.append(pool.submit(_decide_there, place, block))
            else:
                pending.append(Future())
                pending[-1].set_result(before)
            if len(pending) > AHEAD * processes:
                yield _result(pending.popleft())
        while pending:
            yield _result(pending.popleft())


def _result(pending: Future[Done]) -> Done:
    try:
        return pending.result()
    except BrokenProcessPool:
        raise PolicygroundsError(
            "a process that decided rows was ended, perhaps for want of memory; the same command "
            "goes on where it was, with fewer --processes if need be"
        ) from None


_own: dict[str, Any] = {}
"""The job and the decider of a process."""


def _start(job: Job) -> None:
    """Prepare a process, which ends with the one that started it."""
    Thread(target=_end_with_parent, daemon=True).start()
    kb = KnowledgeBase.load(*job.folders)
    _own["job"] = job
    _own["decider"] = block_decider(kb, job.request, job.readings)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _decide_there(place: int, block: Block) -> Done:
    return _decide(_own["job"], _own["decider"], place, block)


def _decide(job: Job, decider: BlockDecider, place: int, block: Block) -> Done:
    """Decide a block and put its part where it belongs, the answers last."""
    answered, rejected = decider.decide(block.rows, block.numbers)
    if block.unreadable:
        more = pa.table([*zip(*block.unreadable, strict=True)], schema=REJECTED)
        rejected = pa.concat_tables([rejected, more]).sort_by("row")
    counted = compute.value_counts(answered.column("outcome")).to_pylist()
    outcomes = {each["values"]: each["counts"] for each in counted}
    rows = len(block.numbers) + len(block.unreadable)
    done = Done(rows, dict(sorted(outcomes.items())), rejected.num_rows)
    feather.write_feather(rejected, _new(_part(job, place, "rejected")))
    WRITERS[form_of(job.output, OUTPUTS)].write_part(answered, _new(_part(job, place, "answered")))
    hashes = {what: _settle(_part(job, place, what)) for what in PARTS}
    _new(_part(job, place, "done")).write_text(json.dumps({**asdict(done), "hashes": hashes}))
    _settle(_part(job, place, "done"))
    return done


def _part(job: Job, place: int, what: str) -> Path:
    return job.parts / f"{place:08d}.{what}"


def _new(file: Path) -> Path:
    """Name what a file is written to before it is whole: of each process its own."""
    return file.with_name(f"{file.name}.{os.getpid()}")


def _settle(file: Path) -> str:
    """Put a file in its place once it is whole; return a hash of it."""
    found = _hash(_new(file))
    _new(file).replace(file)
    return found


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _done_before(job: Job, place: int) -> Done | None:
    """Return what became of a block in an earlier run, if it is done and its parts are as they were."""
    try:
        said = json.loads(_part(job, place, "done").read_text())
        hashes = said.pop("hashes")
        if hashes == {what: _hash(_part(job, place, what)) for what in PARTS}:
            return Done(**said)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return None


def _fingerprint(kb: KnowledgeBase, job: Job) -> str:
    """Return a hash of all that the output depends on: input, policies, vocabulary, and what is asked."""
    found = sha256()
    found.update(_hash(job.source).encode())
    request, layout = job.request, job.request.layout
    asked = (
        *(
            program_version(),
            FORM,
            ROWS,
            CSV_BYTES,
            job.output.suffix,
            sorted(job.readings.items()),
        ),
        *(request.policies, request.day, request.texts.value, request.changes, request.parts),
        *(layout.kept, sorted(layout.frame), [heading.column for heading in layout.facts]),
        _words(kb.vocabulary) if request.changes else (),
    )
    found.update(repr(asked).encode())
    for number in job.request.policies or sorted(kb.policies):
        policy = kb.policy(number)
        for version in policy.versions:
            content = content_hash(policy, version, policy.default_readings, kb.vocabulary)
            found.update(content.encode())
    return found.hexdigest()


def _words(vocabulary: Vocabulary) -> tuple[object, ...]:
    """Return what changes are put into words with (`queries.wording`), always in one order."""
    return (
        [
            (name, fact.title, fact.question, fact.unit, sorted((fact.options or {}).items()))
            for name, fact in sorted(vocabulary.facts.items())
        ],
        [(name, drug.classes) for name, drug in sorted(vocabulary.drugs.items())],
        sorted(vocabulary.classes.items()),
    )


def _begin(job: Job, fingerprint: str) -> None:
    """Make the folder of parts, or go on with one of the same job.

    Raises TableError for a folder of that name that holds anything else, and for a file.
    """
    mark = job.parts / "job"
    if job.parts.exists() and not job.parts.is_dir():
        raise TableError(
            [f"{job.parts}: is no folder; parts go there. Move it, or name another output"]
        )
    if job.parts.exists() and not (mark.is_file() and mark.read_text() == fingerprint):
        others = [file.name for file in job.parts.iterdir() if not OWN.match(file.name)]
        if others:
            raise TableError([f"{job.parts}: holds {others[0]!r}; move it, or name another output"])
        shutil.rmtree(job.parts)
    job.parts.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        _new(mark).write_text(fingerprint)
        _settle(mark)


def _put_together(job: Job) -> None:
    """Make the output and the rejected rows of their parts, and remove these."""
    writer = WRITERS[form_of(job.output, OUTPUTS)]
    places = range(len(list(job.parts.glob("*.done"))))
    whole, refused = job.parts / "whole", job.parts / "refused"
    writer.join([_part(job, place, "answered") for place in places], whole)
    rejected = [feather.read_table(_part(job, place, "rejected")) for place in places]
    with refused.open("wb") as rejects:
        rejects.write(csv_text(REJECTED.empty_table(), header=True))
        for table in rejected:
            rejects.write(csv_text(table, header=False))
    whole.replace(job.output)
    if any(table.num_rows for table in rejected):
        refused.replace(job.rejects)
    else:
        job.rejects.unlink(missing_ok=True)
    shutil.rmtree(job.parts)
