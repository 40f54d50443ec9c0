"""Settings from `CHENGDA_*` environment variables or a `.env` file, one table with help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

HOPS = {"true": 1, "yes": 1, "on": 1, "false": 0, "no": 0, "off": 0, "": 0}


def _hops(told: object) -> object:
    """A number of proxies, told as one or as whether there is any."""
    return HOPS.get(told.strip().lower(), told) if isinstance(told, str) else told


class Settings(BaseSettings):
    """All settings; each has a default that works with no network and no other server."""

    model_config = SettingsConfigDict(env_prefix="CHENGDA_", env_file=".env", extra="ignore")

    data_dir: Path = Field(default=Path(".chengda"), description="Folder for everything a run writes.")
    database_url: str = Field(
        default="",
        description="Address of the database, such as postgresql://user:password@host/name; empty means SQLite in the "
        "data folder.",
    )
    encoder: str = Field(
        default="builtin", description="Encoder: builtin, static, transformer, or a sentence-transformers name or path."
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
    trusted_proxy: Annotated[int, BeforeValidator(_hops)] = Field(
        default=0,
        ge=0,
        le=9,
        description="Your proxies in a row before the service, `true` for one: the caller's address is then the one "
        "that the outermost of them added to X-Forwarded-For.",
    )
    shadow: str = Field(
        default="",
        description="Candidate read beside the live assistant: a trained data folder, or an encoder as in the encoder "
        "setting; empty for none.",
    )
    live_weather: Literal["none", "amap", "open-meteo"] = Field(
        default="none", description="Source of live weather; none leads to where to look."
    )
    live_roads: Literal["none", "amap"] = Field(
        default="none", description="Source of live road conditions; none leads to where to look."
    )
    live_seconds: float = Field(default=2.5, gt=0, le=2.8, description="Seconds one look-up at a live source may take.")
    amap_key: SecretStr = Field(
        default=SecretStr(""), description="Key of the AMap (高德) Web Service; never logged or told."
    )
    amap_url: str = Field(default="https://restapi.amap.com", description="Address of the AMap Web Service.")
    open_meteo_url: str = Field(
        default="https://api.open-meteo.com", description="Address of the Open-Meteo forecast service."
    )
    open_meteo_air_url: str = Field(
        default="https://air-quality-api.open-meteo.com", description="Address of the Open-Meteo air quality service."
    )
    queue_max: int = Field(
        default=5000, ge=0, description="Most masked turns kept for editors to learn from; 0 keeps none."
    )
    queue_days: int = Field(default=90, ge=1, description="Days such a turn is kept.")
    learned_dir: Path | None = Field(
        default=None, description="Folder of the lines editors accepted; empty means `learned` in the data folder."
    )
    reload_seconds: float = Field(
        default=5.0, ge=0, description="How often a server looks for newly trained models; 0 means only when told to."
    )
    sweep_seconds: float = Field(
        default=15.0,
        ge=0,
        description="How often a server looks after deadlines and hand-overs; 0 leaves it to `chengda sweep`.",
    )
    open311_read_key: bool = Field(
        default=False, description="Whether reading requests over Open311 needs an api_key, as filing always does."
    )
    open311_url: str = Field(
        default="",
        description="Open311 endpoint of another city that handles our cases, up to and with its v2; empty for none.",
    )
    open311_key: SecretStr = Field(default=SecretStr(""), description="Our api_key there; never logged or told.")
    open311_jurisdiction: str = Field(
        default="", max_length=40, description="The jurisdiction_id to name there, where the endpoint serves several."
    )
    open311_seconds: float = Field(default=10.0, gt=0, le=60, description="Seconds one request there may take.")
    open311_follow_seconds: float = Field(
        default=300.0, ge=0, description="How often the state of our cases there is asked for."
    )
    open311_send_contact: bool = Field(
        default=False, description="Whether the citizen's phone number is handed on with a case that is not anonymous."
    )
    auto_dispatch: bool = Field(
        default=False,
        description="Accept and dispatch cases without a person where the unit is sure; the others wait as before.",
    )
    admin_token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token for /admin; empty means only callers on the same machine."
    )
    admin_password: SecretStr = Field(
        default=SecretStr(""),
        description="Password of the first administrator `admin`, made once at start-up, never changed by it.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Key that signs staff sessions, 32 bytes or more; empty means one made once in the data folder.",
    )
    logins_by_address: int = Field(
        default=20,
        ge=1,
        description="Wrong logins of the staff a minute and address; a whole shift may sit behind one address.",
    )
    logins_by_account: int = Field(
        default=20,
        ge=1,
        description="Wrong logins of one account in 15 minutes from everywhere; five in a row close it for 15 minutes "
        "to the network they came from.",
    )
    desk_hours: str = Field(
        default="",
        description="When agents sit at the desk, such as `09:00-12:00,14:00-18:00; off 10:00-16:00` (working days by "
        "the published calendar; days off); empty means round the clock.",
    )
    approval_below: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="What the assistant itself judges (services, comparisons, what is no city matter, what is not "
        "found) with less confidence waits for an agent's approval; 0 lets every answer out at once.",
    )
    approval_seconds: float = Field(
        default=120.0, ge=1, description="How long such an answer waits before it goes out with a hint instead."
    )
    channels: str = Field(
        default="",
        description="Messengers in front of the assistant: a JSON object of names and their settings, or a YAML file "
        "with the same; empty for none.",
    )
    embed_origins: str = Field(
        default="",
        description="Sites that may show the chat in their pages and call its API, such as https://www.city.example, "
        "split by spaces; empty for none but our own.",
    )
    call_days: int = Field(
        default=90, ge=1, description="Days the transcript of a call is kept after the call is over."
    )
    redis_url: str = Field(
        default="", description="Redis that counts logins and look-ups for all workers; empty counts in each worker."
    )

    engine: Literal["native", "rasa"] = Field(
        default="native", description="Who answers: our own engine, or a running Rasa behind the same doors."
    )
    rasa_url: str = Field(default="", description="Address of that Rasa, such as http://127.0.0.1:5005.")
    rasa_auth_token: SecretStr = Field(
        default=SecretStr(""), description="The --auth-token of that Rasa; never logged or told."
    )
    rasa_seconds: float = Field(
        default=8.0,
        gt=0,
        le=10,
        description="How long that Rasa may take, all in all, before the citizen is passed to a person; 10 at most.",
    )
    rasa_token: SecretStr = Field(
        default=SecretStr(""),
        description="Token that a Rasa must show at our actions, and who reads or writes a conversation in Rasa's HTTP "
        "API; empty lets only callers on the same machine call the actions, and closes the conversations.",
    )

    @property
    def effective_learned_dir(self) -> Path:
        """The folder of accepted lines in use."""
        return self.learned_dir or self.data_dir / "learned"

    @property
    def open311_unit(self) -> str | None:
        """The unit that stands for the other city in hand-overs, None where our own desk handles cases."""
        return f"open311:{self.open311_jurisdiction or 'remote'}" if self.open311_url else None

    @property
    def effective_database_url(self) -> str:
        """The database address in use."""
        return self.database_url or f"sqlite:///{self.data_dir / 'chengda.sqlite3'}"
