"""What comes in over HTTP, validated at the edge."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from knowledge.catalogue import Audience

MAX_BODY_CHARS = 20_000
# Rasa's: who tells no sender.
DEFAULT_SENDER = "default"
Text = Annotated[str, Field(max_length=MAX_BODY_CHARS)]


class Body(BaseModel):
    """What every body has: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _kept(cls, values: object) -> object:
        """No NUL in a text: PostgreSQL keeps none."""
        if not isinstance(values, dict):
            return values
        return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in values.items()}


class Metadata(Body):
    """What a channel tells beside the text; what is neither a text nor a number is none of ours."""

    message_id: Annotated[str, Field(max_length=200)] | None = None
    language: Annotated[str, Field(max_length=20)] | None = None

    @field_validator("message_id", "language", mode="before")
    @classmethod
    def _told(cls, value: object) -> str | None:
        return str(value) if isinstance(value, str | int | float) else None


class RestMessage(Body):
    """A message of Rasa's REST channel, as leniently as Rasa takes it; without a text nothing is said."""

    sender: Annotated[str, Field(max_length=200)] = DEFAULT_SENDER
    message: Text | None
    metadata: Metadata | None = None

    @field_validator("sender", mode="before")
    @classmethod
    def _named(cls, sender: object) -> object:
        if sender in (None, ""):
            return DEFAULT_SENDER
        return str(sender) if isinstance(sender, int | float) else sender

    @field_validator("metadata", mode="before")
    @classmethod
    def _mapping(cls, metadata: object) -> object:
        return metadata if isinstance(metadata, dict) else None


class ParseRequest(Body):
    """A text to understand."""

    text: Text


class SearchRequest(Body):
    """A catalogue search."""

    query: Text
    top_k: Annotated[int, Field(ge=1, le=50)] = 5
    language: Annotated[str, Field(pattern="^(zh|en)$")] | None = None
    audience: Audience | None = None
    district: Annotated[str, Field(max_length=40)] | None = None
