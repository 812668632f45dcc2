"""What a process begins with is out of the garbage collector's sight; what comes later is not."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from hitl import memory
class Knot: pass
memory.settle()
assert gc.get_freeze_count() > 1000
assert gc.get_threshold()[0] == memory.YOUNG
knot = Knot()
knot.itself, gone = knot, weakref.ref(knot)
del knot
others = []
while gone() and len(others) < 20 * memory.YOUNG:
    others.append([])
assert gone() is None
"""


def test_what_is_made_after_the_beginning_is_collected_as_ever() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
