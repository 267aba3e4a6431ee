"""What kind of refusal an error is to a client, and its status; no error is told with more than one line of text."""

from __future__ import annotations

from kgkt.errors import BusyError, KgktError, NoGraphError, StoreError, UsageError

STATUS = {"input": 400, "usage": 400, "auth": 401, "missing": 404, "readonly": 405, "busy": 409, "limit": 429,
          "fault": 500}  # fmt: skip


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


def kind_of(error: KgktError) -> str:
    """The kind of an error of kgkt.

    >>> kind_of(BusyError("")), kind_of(NoGraphError("")), kind_of(KgktError(""))
    ('busy', 'missing', 'input')
    """
    if isinstance(error, Refused):
        return error.kind
    for kind, name in ((BusyError, "busy"), (StoreError, "fault"), (NoGraphError, "missing"), (UsageError, "usage")):
        if isinstance(error, kind):
            return name
    return "input"
