"""Telegram in front of the assistant: updates are acknowledged at once, answers go by the outbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Parcel
from bot.channels.plain import Piece
from connectors.channels.channel import Arrival, Progress, Pushed, sender_of, user_of
from connectors.channels.gateway import Gateway
from connectors.channels.sending import body_of, call, quiet_client, same, send_pieces
from connectors.telegram.wire import PRIVATE, Update, arrival_of, call_of, pushed_of

BUTTONS = 50


class TelegramSettings(BaseModel):
    """`token` of @BotFather; `secret` as given to setWebhook."""

    model_config = ConfigDict(extra="forbid")
    token: SecretStr
    secret: Annotated[SecretStr, Field(min_length=8, max_length=256)]
    url: str = "https://api.telegram.org"


class Telegram:
    """One bot."""

    kind = "telegram"

    def __init__(self, name: str, settings: TelegramSettings, gateway: Gateway) -> None:
        # Telegram counts 4096 UTF-16 units, which are never more than the bytes of UTF-8.
        self.name, self.capabilities = name, Capabilities(4096, BUTTONS)
        self._settings, self._gateway = settings, gateway
        self._api = quiet_client(f"{settings.url.rstrip('/')}/bot{settings.token.get_secret_value()}")

    def window(self, arrival: Arrival) -> Window | None:
        """Telegram sets no bounds to who once wrote."""
        return None

    def router(self) -> APIRouter:
        """The door for updates."""
        router = APIRouter()

        @router.post(f"/webhooks/{self.name}/webhook", include_in_schema=False)
        def take(
            body: Annotated[bytes, Depends(body_of)], x_telegram_bot_api_secret_token: Annotated[str, Header()] = ""
        ) -> Response:
            if not same(x_telegram_bot_api_secret_token, self._settings.secret):
                return Response(status_code=403)
            try:
                update = Update.model_validate_json(body)
            except ValidationError:
                return Response()  # It will not be better the next time.
            return self._taken(update)

        return router

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Never: the API has no key against doubles."""
        return False

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Send what is left."""

        def send(piece: Piece) -> Pushed:
            method, body = call_of(user_of(parcel.sender), piece)
            return call(self._api, f"/{method}", body, pushed_of)

        # Telegram tells no failure later: its own number of a message is of no use.
        return replace(send_pieces(parcel, self.capabilities, progress, send), external_id=None)

    def close(self) -> None:
        """End connections."""
        self._api.close()

    def _taken(self, update: Update) -> Response:
        """Keep what an update brings; the answer ends the waiting sign on a tapped button."""
        changed = update.my_chat_member
        if changed is not None and changed.chat.type == PRIVATE:
            reachable = changed.new_chat_member.get("status") != "kicked"
            with self._gateway.assistant.store.work() as work:
                work.contacts.reach(sender_of(self.name, str(changed.chat.id)), reachable)
        arrival = arrival_of(update, self._gateway.assistant.store.now())
        if arrival is not None:
            self._gateway.keep_all(self, [arrival])
        if update.callback_query is not None:
            return JSONResponse({"method": "answerCallbackQuery", "callback_query_id": update.callback_query.id})
        return Response()
