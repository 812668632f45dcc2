"""`hitl migrate`, `hitl db`, `hitl database-url`: the database without the rest."""

import shlex
import time

from hitl.cli import configuration, output
from hitl.cli.children import WATCH_SECONDS
from hitl.cli.signals import Stop
from hitl.errors import Invalid, Unavailable
from hitl.runtime import database_url
from hitl.settings import Settings
from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate as apply

PROCESSES = (
    "uvicorn api.main:app --no-access-log --http api.joined:Protocol",
    "HITL_BROKER_URL=amqp://… dramatiq workers",
)


def migrate() -> None:
    """Bring the database in use up to date. Safe to run at any time and from many places at once.

    `hitl up` does this by itself; run it before starting `uvicorn api.main:app` and `dramatiq workers` on their own.
    """
    applied = apply(database_url(configuration.load()))
    for name in applied:
        output.say(f"Applied {name}.")
    if not applied:
        output.say("The database is up to date.")


def url() -> None:
    """Print the URL of the database in use, password included: HITL_DATABASE_URL, or the running embedded one."""
    output.say(database_url(configuration.load()))


def db() -> None:
    """Run only the embedded Postgres, for several processes on this machine, until Ctrl-C.

    The desk, workers and relay in other terminals find it by themselves when they use the same HITL_DATA_DIR.
    """
    settings = configuration.load()
    if settings.database_url:
        raise Invalid("HITL_DATABASE_URL is set, so the embedded Postgres is not in use; unset it to run `hitl db`.")
    with Stop() as stop:
        _serve(settings, stop)


def _serve(settings: Settings, stop: Stop) -> None:
    postgres = EmbeddedPostgres(settings.data_dir)
    try:
        found = postgres.start()
        for name in apply(found):
            output.say(f"Applied {name}.", output.FAINT)
        stop.patient()
        _explain(settings, found)
        _watch(postgres, stop)
    except KeyboardInterrupt:
        pass  # asked to stop while starting
    finally:
        stop.patient()
        postgres.stop()
    output.say("Stopped.", output.FAINT)


def _watch(postgres: EmbeddedPostgres, stop: Stop) -> None:
    seen = time.monotonic()
    while not stop.asked:
        if postgres.pid is not None:
            seen = time.monotonic()
        elif time.monotonic() - seen > 60.0:
            raise Unavailable(f"The embedded Postgres in {postgres.home} does not come back; see its file `log`.")
        stop.pause(WATCH_SECONDS)


def _explain(settings: Settings, found: str) -> None:
    output.say("The embedded Postgres is running.", output.GOOD)
    output.say(f"  {found}")
    output.say("In other terminals, each started in this directory (or with the same HITL_DATA_DIR):")
    for line in PROCESSES:
        output.say(f"  {line}")
    output.say("Elsewhere on this machine:")
    output.say(f"  export HITL_DATABASE_URL={shlex.quote(found)}")
    output.say(f"Data: {settings.data_dir.resolve()}    Stop: Ctrl-C", output.FAINT)
