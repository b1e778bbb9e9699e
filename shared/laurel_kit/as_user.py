"""Become another program as another user: `as_user.py USER_ID GROUP_ID PROGRAM ARGUMENT...`.

`subprocess` could change the user by itself, but then it runs Python's part of the child in a copy
of a process with many threads, which crashes now and then where gRPC is among them. Run like this,
the child is another program from the first moment. Standard library only and run without site
packages: it costs a few milliseconds.
"""

import os
import sys


def main() -> None:
    """Take off root's groups, become the user, become the program."""
    user_id, group_id, *command = sys.argv[1:]
    os.setgroups([])
    os.setgid(int(group_id))
    os.setuid(int(user_id))
    os.execv(command[0], command)  # noqa: S606  # Becoming the program is the purpose.


if __name__ == "__main__":
    main()
