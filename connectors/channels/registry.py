"""The messengers of a server from one setting: each is one line of it.

`CHENGDA_CHANNELS` is a JSON object, or the path of a YAML file with the same, such as Rasa's `credentials.yml`:
`{"telegram": {"token": "…", "secret": "…"}}`. The name stands in the address of the door; two doors of one kind get
names of their own and say their `kind`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import BaseModel, ValidationError

from bot.errors import SettingsError
from connectors.channels.channel import Channel
from connectors.channels.gateway import Gateway
from connectors.phone.channel import PhoneSettings, open_phone
from connectors.telegram.channel import Telegram, TelegramSettings
from connectors.wechat.channel import open_wechat
from connectors.wechat.settings import WeChatSettings
from connectors.wecom.channel import open_wecom
from connectors.wecom.settings import WeComSettings
from connectors.whatsapp.channel import WhatsApp, WhatsAppSettings


class Opener(Protocol):
    """Opens a channel of checked settings; the settings class holds secrets as SecretStr."""

    def __call__(self, name: str, settings: Any, gateway: Gateway) -> Channel: ...


KINDS: Mapping[str, tuple[type[BaseModel], Opener]] = {
    "phone": (PhoneSettings, open_phone),
    "wechat": (WeChatSettings, open_wechat),
    "wecom": (WeComSettings, open_wecom),
    "telegram": (TelegramSettings, Telegram),
    "whatsapp": (WhatsAppSettings, WhatsApp),
}


def read_channels(setting: str, folder: Path = Path()) -> dict[str, dict[str, Any]]:
    """The channels by name as told, not checked yet; raises SettingsError, which repeats no secret."""
    if not setting.strip():
        return {}
    try:
        if setting.lstrip().startswith("{"):
            told = json.loads(setting)
        else:
            told = yaml.safe_load((folder / setting).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        raise SettingsError(
            "CHENGDA_CHANNELS is neither a JSON object nor a YAML file 不是JSON对象或YAML文件"
        ) from None
    if not isinstance(told, dict) or not all(isinstance(value, dict | None) for value in told.values()):
        raise SettingsError("CHENGDA_CHANNELS must name channels with their settings 应为渠道名及其设置")
    return {str(name): dict(value or {}) for name, value in told.items()}


def check_channels(told: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[BaseModel, Opener]]:
    """The settings of each channel, checked; raises SettingsError naming channel and field, never a value."""
    found = {}
    for name, given in told.items():
        values = dict(given)
        kind = str(values.pop("kind", name))
        if kind not in KINDS:
            known = ", ".join(sorted(KINDS))
            raise SettingsError(f"CHENGDA_CHANNELS: {name} is no channel 没有此渠道 (known 可用: {known})")
        model, opener = KINDS[kind]
        try:
            found[name] = (model.model_validate(values), opener)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"CHENGDA_CHANNELS: {name}.{where}: {first['msg']}") from None
    return found


def open_channels(checked: Mapping[str, tuple[BaseModel, Opener]], gateway: Gateway) -> tuple[Channel, ...]:
    """The channels of checked settings."""
    return tuple(opener(name, settings, gateway) for name, (settings, opener) in checked.items())
