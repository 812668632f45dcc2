"""Throwaway directories that a lesser account can enter: pytest's own are closed to everybody but root."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def throwaway(name: str) -> Iterator[Path]:
    """A directory that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"guardian-{name}-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
