"""What kind of refusal an error is to a client, and its status; no error is told with more than one line of text."""

from __future__ import annotations

from kgkt.errors import (
    BelowBarError,
    BusyError,
    InputError,
    KgktError,
    NoGraphError,
    StoreError,
    UnsafeError,
    UsageError,
)

STATUS = {"input": 400, "usage": 400, "auth": 401, "safety": 403, "missing": 404, "readonly": 405, "busy": 409,
          "limit": 429, "fault": 500, "store": 502}  # fmt: skip
# the first that fits
KINDS: tuple[tuple[type[KgktError], str], ...] = (
    (NoGraphError, "missing"), (BusyError, "busy"), (StoreError, "store"), (UnsafeError, "safety"),
    (UsageError, "usage"), (InputError, "input"), (BelowBarError, "input"),
)  # fmt: skip


class Refused(KgktError):
    """What the service itself refuses.

    Args:
        kind: one of STATUS.
        message: what was wrong, and what to do.
        status: of the answer, where it is not the usual one of this kind.
    """

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status or STATUS[kind]


def read_only() -> Refused:
    """What every route that writes answers where the service was started without the right to."""
    return Refused("readonly", "this page only reads: kgkt serve --rw lets it write")


def kind_of(error: KgktError) -> str:
    """The kind of an error of kgkt.

    >>> kind_of(BusyError("")), kind_of(NoGraphError("")), kind_of(KgktError(""))
    ('busy', 'missing', 'fault')
    """
    if isinstance(error, Refused):
        return error.kind
    return next((kind for cls, kind in KINDS if isinstance(error, cls)), "fault")


def status_of(error: KgktError) -> int:
    """The status of the answer that tells of it.

    >>> status_of(BusyError("")), status_of(Refused("limit", "", 413))
    (409, 413)
    """
    return error.status if isinstance(error, Refused) else STATUS[kind_of(error)]
