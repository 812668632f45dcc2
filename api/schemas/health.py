"""How the process itself is."""

from typing import Literal

from api.schemas.requests import Closed


class Alive(Closed):
    """The process answers."""

    alive: Literal[True]


class Ready(Closed):
    """Posts are taken on and worked off, by so many workers and relays."""

    ready: Literal[True]
    workers: int
    relays: int
