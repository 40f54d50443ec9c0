"""The settings of an account, checked before the server starts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.wechat.crypto import KEY

API = "https://api.weixin.qq.com"
# How far a push's time may lie from ours; signatures are remembered for twice as long (`bot.channels.seen`).
Skew = Annotated[float, Field(gt=0, le=900, description="Seconds a push's time may differ from our clock.")]
SKEW_SECONDS = 300.0


class Mode(StrEnum):
    """How the account pushes; but for PLAIN, a push that is not sealed is refused."""

    PLAIN = "plain"
    COMPATIBLE = "compatible"
    SAFE = "safe"


class Fill(StrEnum):
    """What a field of a template can tell of a case; none of it is personal."""

    NUMBER = "number"
    MATTER = "matter"
    STATUS = "status"
    UNIT = "unit"
    TIME = "time"
    EXPECTED = "expected"


class Template(BaseModel):
    """A template that WeChat approved for the account."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=100, description="The template's id.")]
    fields: Annotated[dict[str, Fill], Field(min_length=1, description="The template's fields and what each tells.")]
    page: Annotated[str, Field(description="Address of the status page that the message opens.")] = ""
    standing: Annotated[bool, Field(description="A subscription for good, not one message a consent.")] = False


class WeChatSettings(BaseModel):
    """One WeChat Official Account."""

    model_config = ConfigDict(extra="forbid")

    app_id: Annotated[str, Field(pattern=r"^[\w-]{1,64}$", description="AppID of the account.")]
    secret: Annotated[SecretStr, Field(description="AppSecret; fetches the token.")]
    token: Annotated[SecretStr, Field(description="Token of the server settings; signs pushes.")]
    aes_key: Annotated[SecretStr, Field(description="EncodingAESKey, 43 characters; needed but in plain mode.")] = (
        SecretStr("")
    )
    mode: Annotated[Mode, Field(description="How the account pushes: safe, compatible or plain.")] = Mode.SAFE
    account: Annotated[str, Field(description="The account's gh_… id; pushes for another one are refused.")] = ""
    url: Annotated[str, Field(pattern="^https?://", description="Address of the API, such as that of the mock.")] = API
    seconds: Annotated[float, Field(gt=0, le=4.8, description="Seconds an answer may take inside a push.")] = 4.5
    skew_seconds: Skew = SKEW_SECONDS
    menus: Annotated[bool, Field(description="Buttons of customer messages as lines to tap (verified only).")] = False
    template: Annotated[Template | None, Field(description="Template message for notices outside 48 hours.")] = None
    subscription: Annotated[Template | None, Field(description="Subscription notice, where consent was given.")] = None

    @field_validator("secret", "token")
    @classmethod
    def _given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():
            raise ValueError("must not be empty")
        return value

    @model_validator(mode="after")
    def _sealed(self) -> WeChatSettings:
        key = self.aes_key.get_secret_value()
        if (key or self.mode is not Mode.PLAIN) and not KEY.fullmatch(key):
            raise ValueError("aes_key has 43 letters and digits (mode plain needs none)")
        return self
