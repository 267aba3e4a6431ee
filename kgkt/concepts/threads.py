"""How many threads the linear algebra of a step takes."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep the linear algebra to one thread; also a decorator.

    Products of many rows with a few columns gain nothing from a second one, and where other programs keep the cores
    busy the threads wait for each other: the rounds on 60,000 items took 31 CPU seconds with two threads there, and
    0.8 with one; six factorisations of 2,500 concepts 5 to 7, and 1.3.
    """
    with _pools().limit(limits=1):
        yield


@functools.cache
def _pools() -> ThreadpoolController:
    """The thread pools of what is asked, looked up once."""
    import scipy.linalg  # noqa: F401 - what is not loaded yet is not found
    from sklearn import linear_model  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
