"""The command for sites that show the chat: `chengda embed`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bot.settings import Settings
from connectors.web.embed import tag
from connectors.web.origins import read_origins

Address = Annotated[str, typer.Argument(help="Where this service is reached, such as https://chat.city.example.")]


def embed(
    address: Address, language: Annotated[Literal["zh", "en"], typer.Option(help="The chat's language.")] = "zh"
) -> None:
    """Print the script tag for a site's page, and which sites may show the chat."""
    (ours,) = read_origins(address) or ("",)
    origins = read_origins(Settings().embed_origins)
    print(tag(ours, language))
    print()
    print("Allowed sites 允许嵌入的网站:", " ".join(origins) or "none but our own 仅本服务自己的页面")
    added = " ".join((*origins, "https://www.city.example"))
    print(f'Add one 添加: CHENGDA_EMBED_ORIGINS="{added}", then start anew 然后重启服务')
