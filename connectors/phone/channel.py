"""The telephone as a channel: one line of settings opens the voice bot's doors for Twilio or Telnyx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from fastapi import APIRouter, Request, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.channels.capability import Capabilities
from bot.channels.contacts import Contact, Window
from bot.channels.parcel import Parcel
from bot.errors import BadCallback
from bot.messages import SenderId
from bot.phone.callers import PHONE
from connectors.channels.channel import Arrival, Progress, Push, Pushed
from connectors.channels.gateway import Gateway
from connectors.phone.saying import Voice
from connectors.phone.signature import HEADER, fits
from connectors.phone.sockets import refuse
from connectors.phone.voice import VoiceCall

XML = "application/xml"
MOST_BYTES = 6000
SPEAK_SECONDS = 10.0
Dial = Annotated[str, Field(pattern=r"^(?:\+?[0-9]{3,15}|sip:[^\s<>\"&]{1,100})?$")]


class PhoneSettings(BaseModel):
    """`auth_token` signs what the gateway sends; `public_url` is our address as the gateway knows it, with https.

    `agent` is the number or SIP address of the agents that a caller is handed to; without one the caller stays on the
    line, and what the desk writes is read out. `characters_a_second` is how fast
    the voice speaks, by language, so that nothing is cut off before a hand-over; 0 waits for nothing.
    """

    model_config = ConfigDict(extra="forbid")
    auth_token: SecretStr
    public_url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+$")]
    language: Literal["zh", "en"] = "zh"
    chinese: str = "zh-CN"
    english: str = "en-US"
    agent: Dial = ""
    characters_a_second: Mapping[Literal["zh", "en"], float] = {"zh": 4.5, "en": 14.0}


class PhoneChannel:
    """The voice bot's doors; what an agent writes is said into a call while it lasts."""

    kind = PHONE

    def __init__(self, name: str, settings: PhoneSettings, gateway: Gateway) -> None:
        self._name, self._settings, self._gateway = name, settings, gateway
        self._lines: dict[SenderId, VoiceCall] = {}
        self._token = settings.auth_token.get_secret_value()

    @property
    def name(self) -> str:
        """The name in the address of the door."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Speech has no buttons; nothing is said of our own accord once the caller hung up."""
        return Capabilities(MOST_BYTES, pushes=False)

    def window(self, arrival: Arrival) -> Window | None:
        """None: a call sets no bounds while it lasts."""
        return None

    def keyed(self, parcel: Parcel, contact: Contact) -> bool:
        """Never: what is said twice is heard twice."""
        return False

    def push(self, parcel: Parcel, contact: Contact, progress: Progress) -> Pushed:
        """Said into the call while it lasts: what an agent writes or approves. Who hung up cannot be written to."""
        call = self._lines.get(parcel.sender)
        try:
            said = call is not None and call.speak(parcel.bubbles, parcel.language, SPEAK_SECONDS)
        except TimeoutError:
            return Pushed(Push.LATER, "the line is slow")
        if not said:
            return Pushed(Push.REFUSED, "the caller hung up")
        progress(1)
        return Pushed(Push.SENT)

    def close(self) -> None:
        """Nothing to end."""

    def router(self) -> APIRouter:
        """The doors: `voice` and `after` for the gateway's webhooks, `relay` for its socket."""
        router = APIRouter(prefix=f"/{self._name}", tags=["calls"])

        @router.post("/voice")
        async def voice(request: Request) -> Response:
            """What the gateway does with a call that comes in: it connects the caller to our socket."""
            await self._signed(request)
            return Response(self._connect(), media_type=XML)

        @router.post("/after")
        async def after(request: Request) -> Response:
            """What the gateway does when our socket ended: an agent is called where the caller was handed on."""
            form = await self._signed(request)
            dials = bool(form.get("HandoffData")) and bool(self._settings.agent)
            return Response(_answer(self._dial() if dials else "<Hangup/>"), media_type=XML)

        @router.websocket("/relay")
        async def relay(socket: WebSocket) -> None:
            """A caller by ConversationRelay; a socket without the right signature is refused."""
            given = socket.headers.get(HEADER, "")
            if not fits(self._address(socket.url.path, socket.url.query, "wss"), {}, given, self._token):
                await refuse(socket, BadCallback("signature"))
                return
            await socket.accept()
            await VoiceCall(socket, self._gateway, socket.app.state.calls, self._voice(), self._lines).run()

        return router

    async def _signed(self, request: Request) -> dict[str, str]:
        """The form of a webhook; raises BadCallback for one that is not the gateway's."""
        form = await request.form()
        fields = {name: [str(value) for value in form.getlist(name)] for name in form}
        address = self._address(request.url.path, request.url.query, "https")
        if not fits(address, fields, request.headers.get(HEADER, ""), self._token):
            raise BadCallback("signature")
        return {name: values[-1] for name, values in fields.items()}

    def _address(self, path: str, query: str, secure: str) -> str:
        """Our address as the gateway knows it; its own scheme in the secure form, or the plain one of a test."""
        told = urlsplit(self._settings.public_url)
        plain = {"https": "http", "wss": "ws"}[secure]
        return f"{secure if told.scheme == 'https' else plain}://{told.netloc}{path}{'?' if query else ''}{query}"

    def _voice(self) -> Voice:
        """How the assistant speaks on this channel."""
        domain = self._gateway.assistant.domain
        greeting = {language: domain.text("utter_phone_greeting", language) for language in ("zh", "en")}
        tags = {"zh": self._settings.chinese, "en": self._settings.english}
        pace: dict[str, float] = {str(name): value for name, value in self._settings.characters_a_second.items()}
        return Voice(self._name, self._settings.language, tags, pace, greeting, bool(self._settings.agent))

    def _connect(self) -> str:
        voice = self._voice()
        values: dict[str, Any] = {
            "url": self._address(f"/{self._name}/relay", "", "wss"),
            "welcomeGreeting": voice.greeting[voice.language],
            "language": voice.tags[voice.language],
            "dtmfDetection": "true",
        }
        told = " ".join(f"{name}={quoteattr(value)}" for name, value in values.items())
        lang = f'<Parameter name="lang" value={quoteattr(voice.language)}/>'
        action = quoteattr(self._address(f"/{self._name}/after", "", "https"))
        return _answer(f"<Connect action={action}><ConversationRelay {told}>{lang}</ConversationRelay></Connect>")

    def _dial(self) -> str:
        agent = self._settings.agent
        return f"<Dial><Sip>{agent}</Sip></Dial>" if agent.startswith("sip:") else f"<Dial>{agent}</Dial>"


def _answer(verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'


def open_phone(name: str, settings: PhoneSettings, gateway: Gateway) -> PhoneChannel:
    """The channel of checked settings."""
    return PhoneChannel(name, settings, gateway)
