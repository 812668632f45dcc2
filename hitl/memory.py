"""What a process holds for good, modules above all, is nothing that the garbage collector needs to walk again."""

import gc

YOUNG = 10_000  # objects between two looks at the young: most of what a request or a run makes is gone by then


def settle() -> None:
    """Set apart what there is by now; to be called once, when a process has begun and works on nothing yet."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
