"""What a suite on this machine consists of: three services, their ports and their data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("ledger", "scoring", "benefits")
"""Every service, after the ones it calls: the order of starting and of moving clocks."""

DEFAULT_PORTS = {"ledger": 50051, "scoring": 50052, "benefits": 50053}
ADMIN_PORT_DISTANCE = 1000
"""The internal port of a service (channelz) is so far above its public one, unless set."""

DEFAULT_DATA = Path(".laurel")
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where one service of the suite listens and keeps its data."""

    name: str
    port: int
    admin_address: str
    database_url: str | None
    """Its database when that is not the embedded server's, as given by the user."""

    @property
    def address(self) -> str:
        """Where callers reach it."""
        return f"{HOST}:{self.port}"

    @property
    def module(self) -> str:
        """The program to run it."""
        return f"laurel_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The three services and the folder everything of theirs is kept in."""

    data: Path
    seats: tuple[Seat, ...]

    def __iter__(self) -> Iterator[Seat]:
        return iter(self.seats)

    @property
    def addresses(self) -> dict[str, str]:
        """The address of every service by its name."""
        return {seat.name: seat.address for seat in self.seats}

    @property
    def logs(self) -> Path:
        """Where the services' logs go."""
        return self.data / "logs"


def plan_suite(data: Path, ports: Mapping[str, int], environment: Mapping[str, str]) -> Suite:
    """Lay the suite out from what the user set on the command line and in the environment."""
    return Suite(
        data=data.absolute(),
        seats=tuple(plan_seat(name, ports[name], environment) for name in SERVICES),
    )


def plan_seat(name: str, port: int, environment: Mapping[str, str]) -> Seat:
    """Where one service goes; LAUREL_<SERVICE>_DATABASE_URL takes it off the embedded server."""
    prefix = f"LAUREL_{name.upper()}"
    return Seat(
        name=name,
        port=port,
        admin_address=environment.get(
            f"{prefix}_ADMIN_ADDRESS", f"{HOST}:{port + ADMIN_PORT_DISTANCE}"
        ),
        database_url=environment.get(f"{prefix}_DATABASE_URL"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSuite:
    """What a running `laurel up` says about itself in its data folder."""

    process_id: int
    addresses: dict[str, str]
    admin_addresses: dict[str, str]
    process_ids: dict[str, int]
    """The processes of the services and, as `postgres`, of the embedded server."""

    def write(self, data: Path) -> None:
        """Leave the note; readers never see half of it."""
        draft = note_path(data).with_suffix(".draft")
        draft.write_text(json.dumps({name: getattr(self, name) for name in self.__slots__}))
        draft.replace(note_path(data))


def read_running_suite(data: Path) -> RunningSuite | None:
    """The note of a running `laurel up`, if it left one; it may have been killed since."""
    try:
        note = RunningSuite(**json.loads(note_path(data).read_text()))
        os.kill(note.process_id, 0)
    except (OSError, ValueError, TypeError):
        return None
    return note


def note_path(data: Path) -> Path:
    """Where the note is."""
    return data / "suite.json"
