"""Become another program that ends when its parent ends: `child.py PARENT_PID PROGRAM ARGUMENT...`.

The supervisor starts services in sessions of their own, so that a Ctrl-C in the terminal reaches
only the supervisor, which then stops them in order. Should it be killed outright, nobody would stop
them; Linux signals them instead. Standard library only and run without site packages: it costs a
few milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for SIGTERM at the parent's end, then become the program."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have ended before the request was in place; then no signal would ever come.
    if os.getppid() != int(parent):
        sys.exit("the supervisor ended before the program began")
    os.execv(command[0], command)  # noqa: S606  # Becoming the program is the purpose.


if __name__ == "__main__":
    main()
