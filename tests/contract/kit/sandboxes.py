"""A service with the kit's own RPCs and nothing else, over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import grpc
from laurel_kit.clock import Clock
from laurel_kit.service import Foundation, Service
from laurel_kit.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict

from tests.support.counting import Counting
from tests.support.databases import DatabaseOf
from tests.support.servers import served


class KitSettings(ServiceSettings):
    """A sandbox on a free port."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_KIT_")
    service: ClassVar[str] = "kit"
    address: str = "127.0.0.1:0"
    sandbox: bool = True


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A running service and what a test wants of it."""

    channel: grpc.aio.Channel
    foundation: Foundation
    counting: Counting


@asynccontextmanager
async def bench(database_of: DatabaseOf, clock: Clock, **settings: Any) -> AsyncIterator[Bench]:
    """The service, answering for the length of the block."""
    made: list[Counting] = []

    async def build(foundation: Foundation) -> Service:
        made.append(Counting(foundation.database, foundation.clock, foundation.operations))
        return Service(
            name="kit",
            faults={},
            register=lambda _: None,
            service_names=(),
            operations=foundation.operations,
        )

    url = (await database_of.access("kit")).url
    chosen = KitSettings(database_url=url, **settings)
    async with served(build, chosen, clock=clock) as whole:
        yield Bench(channel=whole.channel, foundation=whole.running.foundation, counting=made[0])
