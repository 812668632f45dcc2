"""A pause that the end of a child ends: who keeps programs running need not look again and again."""

import signal
import subprocess

from hitl.cli.signals import Stop

LONG = 600.0  # a pause that nothing ends is a test that hangs


def test_a_pause_ends_when_a_child_does_also_when_that_was_just_before() -> None:
    with Stop() as stop:
        late = subprocess.Popen(["sleep", "0.2"])
        while late.poll() is None:
            stop.pause(LONG)
        early = subprocess.Popen(["true"])
        early.wait()
        stop.pause(LONG)
        assert not stop.asked


def test_a_pause_ends_when_somebody_asks_to_stop() -> None:
    with Stop() as stop:
        stop.patient()
        asker = subprocess.Popen(["sh", "-c", "kill -TERM $PPID; sleep 600"])
        while not stop.asked:
            stop.pause(LONG)
        asker.kill()
        asker.wait()


def test_afterwards_signals_go_where_they_went_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)]
    with Stop():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)] == before
