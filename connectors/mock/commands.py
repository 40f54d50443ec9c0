"""`chengda mock`: stand-ins for messengers, to try a channel without an account."""

from __future__ import annotations

import json
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from connectors.mock.wechat import create_wechat
from connectors.mock.wechat_account import Account
from connectors.mock.wechat_pusher import Pusher
from connectors.mock.wecom import create_wecom
from connectors.mock.wecom_corp import Corp
from connectors.mock.wecom_pusher import Pusher as WeComPusher

commands = typer.Typer(help="Stand-ins for messengers, to try a channel without an account.", no_args_is_help=True)
console = Console(stderr=True)
APP_ID, SECRET, TOKEN, AES_KEY = "wx0123456789abcdef", "mock-secret", "mock-token", "A" * 43
CORP_ID, ACCOUNT = "ww0123456789abcdef", "wkCity"


@commands.callback()
def mock() -> None:
    """Stand-ins for messengers, to try a channel without an account."""


@commands.command()
def wechat(
    target: Annotated[str, typer.Option(help="Door of the channel.")] = "http://127.0.0.1:8311/webhooks/wechat/webhook",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8313,
    app_id: Annotated[str, typer.Option(help="AppID of the account.")] = APP_ID,
    secret: Annotated[str, typer.Option(help="AppSecret of the account.")] = SECRET,
    token: Annotated[str, typer.Option(help="Token that signs pushes.")] = TOKEN,
    aes_key: Annotated[str, typer.Option(help="EncodingAESKey; empty pushes in plain mode.")] = AES_KEY,
    template: Annotated[list[str] | None, typer.Option(help="Ids of approved templates.")] = None,
    verified: Annotated[bool, typer.Option(help="Whether the account may send menus.")] = True,
) -> None:
    """Serve a WeChat of one account: its API with quotas and error codes, and `/mock/say` to write as a citizen."""
    account = Account(app_id, secret, frozenset(template or ()), verified)
    pusher = Pusher(target, token, account, aes_key)
    where = f"http://127.0.0.1:{port}"
    told: dict[str, str] = {"app_id": app_id, "secret": secret, "token": token, "url": where}
    told |= {"aes_key": aes_key} if aes_key else {"mode": "plain"}
    console.print(f"CHENGDA_CHANNELS='{json.dumps({'wechat': told})}' chengda serve", soft_wrap=True)
    console.print(
        f"curl {where}/mock/say -H 'content-type: application/json' -d '{{\"text\": \"你好\"}}'", soft_wrap=True
    )
    uvicorn.run(create_wechat(account, pusher), host="127.0.0.1", port=port, log_level="warning")


@commands.command()
def wecom(
    target: Annotated[str, typer.Option(help="Door of the channel.")] = "http://127.0.0.1:8311/webhooks/wecom/webhook",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8314,
    corp_id: Annotated[str, typer.Option(help="CorpID.")] = CORP_ID,
    secret: Annotated[str, typer.Option(help="Secret of the app.")] = SECRET,
    token: Annotated[str, typer.Option(help="Token that signs calls.")] = TOKEN,
    aes_key: Annotated[str, typer.Option(help="EncodingAESKey.")] = AES_KEY,
    account: Annotated[str, typer.Option(help="Id of the customer service account.")] = ACCOUNT,
) -> None:
    """Serve a WeCom with customer service: its API with sessions, quotas and error codes, and `/mock/say`."""
    corp = Corp(corp_id, secret, (account,))
    where = f"http://127.0.0.1:{port}"
    told = {"corp_id": corp_id, "secret": secret, "token": token, "aes_key": aes_key, "url": where}
    console.print(f"CHENGDA_CHANNELS='{json.dumps({'wecom': told})}' chengda serve", soft_wrap=True)
    console.print(
        f"curl {where}/mock/say -H 'content-type: application/json' -d '{{\"text\": \"你好\"}}'", soft_wrap=True
    )
    app = create_wecom(corp, WeComPusher(target, token, aes_key, corp))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
