"""What routes stand on: the runtime, the hub that wakes those who wait, the HTTP numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends, Request

from api.hub import Hub
from api.metrics import Gauges
from hitl.runtime import Runtime
from hitl.store.postgres import Tx
from hitl.telemetry.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")
READERS = 6  # threads for those who wait, so that they never keep a POST from its own


@dataclass
class Desk:
    """One process's front desk."""

    runtime: Runtime
    hub: Hub
    metrics: Metrics = field(default_factory=Metrics)
    migrated: bool = False

    def __post_init__(self) -> None:
        self.gauges = Gauges(self.runtime.store)
        self._readers: CapacityLimiter | None = None

    async def read(self, look: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading operation on a thread, each statement by itself."""
        if self._readers is None:
            self._readers = CapacityLimiter(READERS)
        return await anyio.to_thread.run_sync(partial(self._read, look, *args, **kwargs), limiter=self._readers)

    def _read(self, look: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.runtime.store.statement() as tx:
            return look(tx, *args, **kwargs)


async def the_desk(request: Request) -> Desk:
    """The desk that this request came to."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(the_desk)]
