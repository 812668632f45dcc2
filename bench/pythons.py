"""Pythons differ in speed by a quarter and more, by how they were built: each that runs a system is timed and named."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

TIMED = """
import platform, time

class Point:
    def __init__(self, x):
        self.x = x
    def moved(self, by):
        return {"x": self.x + by, "name": f"{self.x}-{by}"}

def loop():
    began = time.process_time()
    for number in range(100_000):
        sorted(Point(number).moved(1))
    return time.process_time() - began

print(platform.python_version(), round(min(loop() for _ in range(7)) * 1000))
"""


@cache
def described(interpreter: str | Path) -> str:
    """Its version, and the milliseconds that it takes for a fixed loop: the best of seven, a quarter of a second."""
    command = [str(interpreter), "-I", "-c", TIMED]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    version, milliseconds = said.split()
    return f"{version} (fixed loop: {milliseconds} ms)"


def pace() -> int:
    """The slowest core's milliseconds for that loop, while each core runs one.

    More than at other times: the cores are slower, as beside somebody who shares their insides; no counter tells that.
    """
    command = [sys.executable, "-I", "-c", TIMED]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count() or 1)]
    return max(int(process.communicate()[0].split()[1]) for process in running)
