"""Files from outside: read whole, up to a size, and never waited for."""

import os
from pathlib import Path


def read_regular(path: Path, largest: int) -> bytes:
    """Read a file of at most so many bytes.

    Raises OSError if it cannot be read, and ValueError if it is larger or no regular file: a pipe
    could keep its reader waiting for ever.
    """
    if path.exists() and not path.is_file():
        raise ValueError("this is no regular file")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"a file of more than {largest:,} bytes; divide it")
    return content
