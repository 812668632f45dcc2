"""Run a program on a leash: as another account, and gone when the thread that started it is gone.

A script, started by path: `python leash.py OWNER_PID SIGNAL UID GID PROGRAM ARGS...` (UID -1: stay who you are);
SIGNAL is what the program gets when its owner is gone. It stands between the owner and Postgres because a `preexec_fn`
may deadlock in a program with threads, and because the kernel forgets the death signal when a process changes its
account, so the account must be changed first.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Change the account, ask for the signal at the owner's death, become the program."""
    owner, sign, uid, gid = (int(a) for a in sys.argv[1:5])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # elsewhere the next start ends what a killed owner left behind
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sign)
    if os.getppid() != owner:  # it died before we asked
        sys.exit("the owner is gone")
    os.umask(0o077)
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main()
