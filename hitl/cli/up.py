"""`hitl up`: everything on this machine, in the foreground."""

from typing import Annotated

import typer

from hitl.analyzers.factory import build as build_analyzer
from hitl.cli import banner, configuration, output, ports
from hitl.cli.signals import Stop
from hitl.cli.supervise import Supervisor
from hitl.directory import Directory
from hitl.runtime import check_exposure
from hitl.settings import Settings
from hitl.telemetry import logs

Host = Annotated[str | None, typer.Option(help="Listen on this address.  [HITL_HOST, 127.0.0.1]", show_default=False)]
Port = Annotated[
    int | None, typer.Option(help="Listen on this port; 0 takes any free one.  [HITL_PORT, 8000]", show_default=False)
]
Workers = Annotated[int | None, typer.Option(help="How many worker processes.  [HITL_WORKERS, 1]", show_default=False)]


def up(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Start Guardian: the desk, its workers and, unless HITL_DATABASE_URL is set, a private Postgres.

    Nothing needs to be installed or set. When everything is ready a banner shows the address, the demo page, and
    the tokens to try it with. Ctrl-C stops all of it in good order; what was under way is carried on at the next start.

    Settings come from the environment or from the file .env (see .env.example). With HITL_BROKER_URL=amqp://… the
    workers use RabbitMQ.
    """
    settings = configuration.load(host=host, port=port, workers=workers)
    logs.configure(settings.log_format)
    _check(settings)
    with Stop() as stop:
        run(settings, stop)


def _check(settings: Settings) -> None:
    """Say now what would otherwise come out with the first request, or the first post."""
    check_exposure(settings)
    Directory(settings.tokens).everyone()
    provider, _, model = settings.analyzer.partition(":")
    if provider == "stub" or (not model and provider != "local"):  # the others take seconds to load
        build_analyzer(settings.analyzer)


def run(settings: Settings, stop: Stop) -> None:
    """Run until asked to stop; leaves nothing running."""
    port = ports.choose(settings.host, settings.port)
    supervisor = Supervisor(settings, port, stop, lambda line: output.say(line, output.FAINT))
    try:
        supervisor.start()
        if not stop.asked:
            banner.show(settings, port, supervisor.url)
        supervisor.watch()
    except KeyboardInterrupt:
        pass  # asked to stop while starting
    finally:
        stop.patient()
        _end(supervisor, stop)
    output.say("Stopped.", output.FAINT)


def _end(supervisor: Supervisor, stop: Stop) -> None:
    """End everything, also when nobody reads any more what we say."""
    try:
        if stop.asked:
            output.say("Stopping …", output.FAINT)
    finally:
        supervisor.end()
