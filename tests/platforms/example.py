"""The example server as a customer would run it: a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET = "whsec_" + "Z3VhcmRpYW4tdGVzdC1zZWNyZXQtMzItYnl0ZXM="
SERVER = Path(__file__).parents[2] / "examples" / "platform_server.py"


@contextmanager
def example_server(*options: str) -> Iterator[str]:
    """The example server in a process of its own; gives its URL."""
    process = subprocess.Popen([sys.executable, SERVER, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rpartition(" ")[2]
    finally:
        process.kill()
        process.communicate()
