"""What a client may send. What it gets stands in the descriptions of the routes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=500)]
ItemId = Annotated[str, Field(min_length=1, max_length=2_000)]
Number = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
Asked = Annotated[int, Field(ge=0, lt=2**31)]  # a number in an address
Numbers = Annotated[list[Number], Field(min_length=1, max_length=100_000)]


class Body(BaseModel):
    """A body that knows all its fields."""

    model_config = ConfigDict(extra="forbid")


class Said(Body):
    """What a person says of an item: its class, or in a tick a class that it is not."""

    item: ItemId
    class_: Annotated[Text, Field(alias="class")]


class Label(Body):
    """Labels and ticks, one edit together."""

    labels: Annotated[list[Said], Field(max_length=100_000)] = []
    ticks: Annotated[list[Said], Field(max_length=100_000)] = []


class Name(Body):
    """A concept's new name; null for the one that populate gave."""

    concept: Number
    name: Text | None = None


class Switch(Body):
    """Concepts to switch off, or on again."""

    concepts: Numbers
    on: Annotated[bool, Field(strict=True)]


class Merge(Body):
    """Concepts that become parts of the one that is kept."""

    kept: Number
    others: Numbers


class Apart(Body):
    """Concepts that are to stand by themselves again."""

    concepts: Numbers


class Undo(Body):
    """The edit to take back; null for the newest that can be."""

    edit: Annotated[int, Field(ge=1, lt=2**31, strict=True)] | None = None


class Query(Body):
    """One statement of Cypher that reads, or the name of a shipped query."""

    text: Annotated[str, Field(min_length=1, max_length=100_000)]
    params: dict[str, Any] = {}


class Failure(BaseModel):
    """Why a request was refused, in words for a person."""

    kind: str
    message: str


class Error(BaseModel):
    """The body of every answer that is not 2xx."""

    error: Failure
