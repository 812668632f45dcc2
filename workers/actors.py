"""One actor per kind of command; each carries a command id and nothing else."""

import dramatiq

from hitl.settings import Settings
from workers.broker import build
from workers.household import Household

household = Household(Settings())
broker = build(household.settings.broker_url, [household])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="cases")
def start(command_id: int) -> None:
    """Analyze a post; wait for people, or allow it."""
    household.work(command_id, "start")


@dramatiq.actor(queue_name="cases")
def resume(command_id: int) -> None:
    """Carry a decision out."""
    household.work(command_id, "resume")


@dramatiq.actor(queue_name="cases")
def rollback(command_id: int) -> None:
    """Reverse what was done; ask people again."""
    household.work(command_id, "rollback")


@dramatiq.actor(queue_name="cases")
def settle(command_id: int) -> None:
    """Finish what a person settled."""
    household.work(command_id, "settle")
