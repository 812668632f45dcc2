"""The composition root: from settings to the parts of a process, each built when it is first needed."""

from functools import cached_property
from typing import TYPE_CHECKING

from hitl.directory import Directory
from hitl.errors import Invalid
from hitl.operations.backlog import Backlog
from hitl.platforms.embedded import EmbeddedForum
from hitl.platforms.http import HttpPlatform
from hitl.platforms.port import Platform
from hitl.settings import Settings
from hitl.store.bells import beside
from hitl.store.embedded_address import running_url
from hitl.store.forum import Forum
from hitl.store.postgres import Store

if TYPE_CHECKING:
    from hitl.analyzers.port import Analyzer
    from hitl.graphs.runner import Runner

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Runtime:
    """What one process works with; close it at the end."""

    def __init__(self, settings: Settings, url: str, *, connections: int) -> None:
        self.settings = settings
        self.url = url
        self.store = Store(url, size=connections, bells=None if settings.broker_url else beside(url))
        self.people = Directory(settings.tokens)
        self.backlog = Backlog(settings.backlog_limit)
        self.forum = Forum(self.store)
        self._platforms: dict[str, Platform] = {}

    def platform(self, tenant: str = "default") -> Platform:
        """Where a tenant's actions land: the customer's API when one is set, the embedded forum otherwise."""
        if tenant not in self._platforms:
            url = self.settings.platform_url
            self._platforms[tenant] = (
                HttpPlatform(url, secret=self.settings.platform_secret) if url else EmbeddedForum(self.forum, tenant)
            )
        return self._platforms[tenant]

    @cached_property
    def analyzer(self) -> "Analyzer":
        """The analyzer that HITL_ANALYZER names."""
        from hitl.analyzers.factory import build as build_analyzer

        found = self.settings
        return build_analyzer(found.analyzer, groq_api_key=found.groq_api_key, groq_base_url=found.groq_base_url)

    @property
    def quick(self) -> bool:
        """Whether that analyzer answers within milliseconds; asked without building it."""
        from hitl.analyzers.factory import is_quick

        return is_quick(self.settings.analyzer)

    @cached_property
    def runner(self) -> "Runner":
        """What runs commands; importing LangGraph takes a second, so the desk never does."""
        from hitl.graphs.judge import StoredJudge
        from hitl.graphs.ledger import PlatformLedger
        from hitl.graphs.runner import Runner
        from hitl.telemetry import tracing

        return Runner(
            self.store,
            PlatformLedger(self.store, self.platform),
            StoredJudge(self.store, self.analyzer),
            self.people.known,
            lambda c: tracing.run_config(
                case_id=c.case_id, command_id=c.command_id, graph=c.graph, version=c.graph_version, kind=c.kind
            ),
        )

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()


def database_url(settings: Settings) -> str:
    """The database in use: the setting, or the running embedded one; Invalid says how to get one."""
    if settings.database_url:
        return settings.database_url
    found = running_url(settings.data_dir)
    if found:
        return found
    raise Invalid(
        "No database: HITL_DATABASE_URL is not set, and no embedded Postgres is running under "
        f"{settings.data_dir.resolve()}. Start one with `hitl db` (in a terminal of its own), or set HITL_DATABASE_URL."
    )


def check_exposure(settings: Settings) -> None:
    """Refuse to listen beyond this machine without real tokens."""
    if settings.host not in LOOPBACK and settings.tokens is None:
        raise Invalid(
            f"HITL_HOST is {settings.host}, which others can reach, and HITL_TOKENS is not set: the development tokens "
            "would open everything. Make real ones with `hitl token create`, or listen on 127.0.0.1."
        )


def build(settings: Settings, *, url: str | None = None, connections: int = 10) -> Runtime:
    """The parts of one process over the database in use."""
    return Runtime(settings, url or database_url(settings), connections=connections)
