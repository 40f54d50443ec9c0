"""WhatsApp Cloud in front of the assistant: deliveries are acknowledged at once, answers go by the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Kind, Parcel
from bot.channels.plain import pieces_of
from connectors.channels.channel import Arrival, Progress, Push, Pushed, user_of
from connectors.channels.gateway import Gateway
from connectors.channels.sending import body_of, call, hub_signature, quiet_client, same, send_pieces
from connectors.whatsapp import wire

# How long the answer to a message that came after its window is tried.
ANSWERING = timedelta(hours=1)


class WhatsAppSettings(BaseModel):
    """`template` sends notices outside the 24 hours; without it they wait until the citizen writes."""

    model_config = ConfigDict(extra="forbid")
    phone_id: str
    token: SecretStr
    app_secret: Annotated[SecretStr, Field(min_length=8)]
    verify_token: Annotated[SecretStr, Field(min_length=8)]
    template: str = ""
    url: str = "https://graph.facebook.com/v23.0"


class WhatsApp:
    """One business number."""

    kind = "whatsapp"

    def __init__(self, name: str, settings: WhatsAppSettings, gateway: Gateway) -> None:
        self.name, self.capabilities = name, Capabilities(4096, wire.ROWS)
        self._settings, self._gateway = settings, gateway
        self._api = quiet_client(settings.url, {"Authorization": f"Bearer {settings.token.get_secret_value()}"})

    def window(self, arrival: Arrival) -> Window | None:
        """Any number of messages in a day after the citizen wrote; one that came late is answered all the same.

        WhatsApp says whether that may be. Not a day from now: notices would go by no template, and be refused.
        """
        return Window(max(arrival.at + timedelta(hours=24), self._gateway.assistant.store.now() + ANSWERING))

    def router(self) -> APIRouter:
        """The doors: the check of the address, and deliveries."""
        router, path = APIRouter(), f"/webhooks/{self.name}/webhook"

        @router.get(path, include_in_schema=False)
        def check(request: Request) -> Response:
            told = request.query_params
            if not same(told.get("hub.verify_token", ""), self._settings.verify_token):
                return Response(status_code=403)
            return PlainTextResponse(told.get("hub.challenge", ""))

        @router.post(path, include_in_schema=False)
        def take(
            body: Annotated[bytes, Depends(body_of)], x_hub_signature_256: Annotated[str, Header()] = ""
        ) -> Response:
            if not same(x_hub_signature_256, hub_signature(self._settings.app_secret, body)):
                return Response(status_code=403)
            self._take(list(wire.values_of(body, self._settings.phone_id)))
            return Response()

        return router

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Never: the API has no key against doubles."""
        return False

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Send what is left; a notice outside the window by template."""
        user, assistant, template = user_of(parcel.sender), self._gateway.assistant, self._settings.template
        label, phone = assistant.domain.text("utter_list_label", parcel.language), self._settings.phone_id

        def send(content: Mapping[str, Any]) -> Pushed:
            return call(self._api, f"/{phone}/messages", wire.addressed(user, content, parcel.mark), wire.pushed_of)

        if contact.open_at(assistant.store.now()):
            return send_pieces(parcel, self.capabilities, progress, lambda piece: send(wire.content_of(piece, label)))
        if parcel.kind is not Kind.NOTICE or not template:
            return Pushed(Push.CLOSED, "the window is over")
        texts = [piece.text for piece in pieces_of(parcel.bubbles, self.capabilities)]
        return send(wire.template_of(template, parcel.language, parcel.number or "-", " ".join(texts)))

    def close(self) -> None:
        """End connections."""
        self._api.close()

    def _take(self, values: Sequence[Mapping[str, Any]]) -> None:
        store, failures = self._gateway.assistant.store, [one for value in values for one in wire.failures_of(value)]
        if failures:
            with store.work() as work:
                for mark, code, closed in failures:
                    work.mailing.failed_outside(self.name, mark, f"code {code}", closed)
        now = store.now()
        self._gateway.keep_all(self, [arrival for value in values for arrival in wire.arrivals_of(value, now)])
