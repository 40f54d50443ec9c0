"""Settings from `CHENGDA_*` environment variables or a `.env` file, one table with help texts."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All settings; each has a default that works with no network and no other server."""

    model_config = SettingsConfigDict(env_prefix="CHENGDA_", env_file=".env", extra="ignore")

    data_dir: Path = Field(default=Path(".chengda"), description="Folder for everything a run writes.")
    database_url: str = Field(
        default="", description="SQLAlchemy address of the database; empty means SQLite in the data folder."
    )
    encoder: str = Field(
        default="builtin", description="Sentence encoder: builtin, or a sentence-transformers name or path."
    )
    city: str = Field(default="shenzhen", description="City to serve: a shipped or imported one, or a city's folder.")
    case_prefix: str = Field(
        default="SZ",
        pattern="^[A-Z]{2}$",
        description="Two letters that open case numbers; the city's when not set.",
    )
    timezone: str = Field(
        default="Asia/Shanghai", description="Time zone of case numbers and dates; the city's when not set."
    )
    rate_limit: int = Field(default=6000, ge=0, description="Requests a minute and address; 0 switches the limit off.")
    max_message_chars: int = Field(
        default=2000, ge=100, description="Longer messages get a polite request to shorten them."
    )
    session_minutes: int = Field(
        default=720, ge=1, description="Silence after which a conversation starts afresh, in minutes."
    )
    trusted_proxy: bool = Field(
        default=False, description="Take the caller's address from X-Forwarded-For (behind a proxy only)."
    )
    shadow: str = Field(
        default="",
        description="Candidate read beside the live assistant: a trained data folder, or an encoder as in the encoder "
        "setting; empty for none.",
    )

    @property
    def effective_database_url(self) -> str:
        """The database address in use."""
        return self.database_url or f"sqlite:///{self.data_dir / 'chengda.sqlite3'}"
