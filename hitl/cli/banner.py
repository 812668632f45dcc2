"""What a newcomer needs to know, once, when everything is ready."""

from urllib.parse import urlsplit

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hitl.cli import output, readiness
from hitl.directory import DEV
from hitl.settings import Settings

STOP = "Ctrl-C (twice: at once)"


def show(settings: Settings, port: int, database: str) -> None:
    """The banner: a panel on a terminal, plain lines elsewhere."""
    lines = _lines(settings, port, database)
    if not output.out.is_terminal:
        output.say("Guardian is ready.")
        for name, value in lines:
            output.say(f"  {name:<10} {value}")
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=output.STRONG)
    grid.add_column(overflow="fold")
    for name, value in lines:
        grid.add_row(name, Text(value, style=_style(name, value)))
    output.out.print(Panel(grid, title="Guardian is ready", box=box.ROUNDED, border_style=output.GOOD, expand=False))


def _lines(settings: Settings, port: int, database: str) -> list[tuple[str, str]]:
    base = readiness.url(settings.host, port)
    return [
        ("Address", base if settings.host == readiness.address(settings.host) else f"{base} (on {settings.host})"),
        ("Demo", f"{base}/demo"),
        ("API docs", f"{base}/docs"),
        ("Tokens", f"from {settings.tokens}" if settings.tokens else f"development: {', '.join(DEV)}"),
        ("Analyzer", analyzer(settings)),
        ("Broker", without_password(settings.broker_url) if settings.broker_url else "embedded"),
        ("Workers", str(settings.workers) if settings.workers else "none here; run `python -m workers` or the like"),
        ("Data", place(settings, database)),
        ("Stop", STOP),
    ]


def analyzer(settings: Settings) -> str:
    """The analyzer in use; the stub with a warning."""
    if settings.analyzer.startswith("stub:"):
        return f"{settings.analyzer} - WARNING: it reads nothing and suspects every post; for benchmarks only"
    return settings.analyzer


def place(settings: Settings, database: str) -> str:
    """Where the data lies."""
    if settings.database_url:
        return f"PostgreSQL at {without_password(database)}"
    return f"{settings.data_dir.resolve()} (embedded PostgreSQL)"


def without_password(url: str) -> str:
    """A URL that may be shown."""
    try:
        parts = urlsplit(url)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a URL that cannot be read"
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}" if parts.scheme else "the one that is set"


def _style(name: str, value: str) -> str:
    if "WARNING" in value:
        return output.CARE
    return "cyan" if name in ("Address", "Demo", "API docs") else ""
