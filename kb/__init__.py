"""Say where the packaged knowledge base lies; the knowledge itself is in the files beside this one."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
