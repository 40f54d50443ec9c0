"""The settings of a corp's customer service, checked before the server starts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.wechat.crypto import KEY
from connectors.wechat.settings import SKEW_SECONDS, Skew

API = "https://qyapi.weixin.qq.com"


class People(StrEnum):
    """Where a citizen who wants a person is handed to: our own desk, or the agents who sit in WeCom."""

    DESK = "desk"
    WECOM = "wecom"


class WeComSettings(BaseModel):
    """The customer service of one corp, with any number of accounts."""

    model_config = ConfigDict(extra="forbid")

    corp_id: Annotated[str, Field(pattern=r"^[\w-]{1,64}$", description="CorpID.")]
    secret: Annotated[SecretStr, Field(description="Secret of the app that may use customer service.")]
    token: Annotated[SecretStr, Field(description="Token of the callback settings; signs callbacks.")]
    aes_key: Annotated[SecretStr, Field(description="EncodingAESKey of the callback settings, 43 characters.")]
    accounts: Annotated[frozenset[str], Field(description="The wk… ids to answer for; empty for all.")] = frozenset()
    people: Annotated[People, Field(description="Who takes over: desk (our own) or wecom (its agents).")] = People.DESK
    servicer: Annotated[str, Field(description="Hand over to this agent of WeCom's, not to its pool.")] = ""
    first_hours: Annotated[
        float, Field(ge=0, le=72, description="Hours before an account's first call of which messages are answered.")
    ] = 48.0
    url: Annotated[str, Field(pattern="^https?://", description="Address of the API, such as that of the mock.")] = API
    skew_seconds: Skew = SKEW_SECONDS

    @field_validator("secret", "token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise ValueError("must not be empty")
        return value

    @field_validator("aes_key")
    @classmethod
    def _sealing(cls, value: SecretStr) -> SecretStr:
        if not KEY.fullmatch(value.get_secret_value()):
            raise ValueError("aes_key has 43 letters and digits")
        return value
