"""What can be set from outside: read once, handed on by the composition root."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, its default and its bounds; .env.example says why one would change it."""

    model_config = SettingsConfigDict(
        env_prefix="HITL_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str | None = None
    data_dir: Path = Path(".hitl")
    broker_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    cors_origins: str = ""
    analyzer: str = "local"
    groq_api_key: str | None = Field(None, validation_alias="GROQ_API_KEY")
    groq_base_url: str | None = Field(None, validation_alias="GROQ_BASE_URL")
    platform_url: str | None = None
    platform_secret: str | None = None
    tokens: Path | None = None
    workers: int = Field(1, ge=0, le=64)
    worker_threads: int = Field(32, ge=1, le=256)
    window: int = Field(64, ge=1, le=10_000)
    backlog_limit: int = Field(50_000, ge=1)
    drain_seconds: float = Field(0.0, ge=0, le=600)
    relay: Literal["on", "off"] = "on"
    langsmith_tracing: bool = Field(False, validation_alias="LANGSMITH_TRACING")
    langsmith_api_key: str | None = Field(None, validation_alias="LANGSMITH_API_KEY")
    langsmith_endpoint: str | None = Field(None, validation_alias="LANGSMITH_ENDPOINT")
    langsmith_project: str = Field("guardian", validation_alias="LANGSMITH_PROJECT")
    trace_content: bool = False
    log_format: Literal["console", "json", "none"] = "console"

    @property
    def origins(self) -> list[str]:
        """The CORS origins allowed, from a comma-separated list."""
        return [o.strip() for o in self.cors_origins.split(",") if o.strip()]
