"""Language detection."""

from __future__ import annotations

import pytest

from bot.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("居住证怎么办", "zh"),
        ("我的 work permit 到期了", "zh"),
        ("駕駛執照過期點算", "zh"),
        ("查SZ261120-000123-4", "zh"),
        ("how do I renew my visa", "en"),
        ("Where is the hall in 福田区?", "en"),
        ("my 居住证 expired what to do", "en"),
        ("visa", "en"),
        ("Bonjour, comment renouveler mon visa ?", "other"),
        ("ビザの更新方法を教えてください", "other"),
        ("비자를 연장하고 싶어요", "other"),
        ("Как продлить визу?", "other"),
        ("¿Dónde puedo renovar mi permiso?", "other"),
        ("", "none"),
        ("12345", "none"),
        ("😀", "none"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert detect(text).language == language


def test_scripts() -> None:
    assert detect("我部車俾人拖咗，去邊度攞返").cantonese
    assert detect("駕照過期了怎麼辦").traditional
    assert not detect("驾照过期了怎么办").traditional
    assert detect("我的 work permit 到期了").mixed
