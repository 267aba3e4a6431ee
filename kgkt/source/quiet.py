"""Import TensorFlow and Keras without their messages, which no log level silences.

TensorFlow writes to file descriptor 2 while it is imported. The descriptor is turned away for the
first import only, and what was written is shown when the import fails.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

from kgkt.errors import KgktError


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Turn file descriptor 2 to a temporary file; replay it on an error."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        saved = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except Exception:
            sys.stderr.flush()
            os.dup2(saved, 2)
            sink.seek(0)
            os.write(2, sink.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def import_quietly(name: str) -> Any:
    """Import the module `name`; what it writes to descriptor 2 shows only if the import fails.

    Raises:
        KgktError: the module cannot be imported.
    """
    if name in sys.modules:
        return sys.modules[name]
    try:
        with _quiet_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError as error:
        raise KgktError(f"{name} cannot be imported ({error}); install it again: pip install {name}") from error


def tensorflow() -> Any:
    """The module tensorflow; of its log only errors are shown."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module = import_quietly("tensorflow")
    module.get_logger().setLevel("ERROR")
    return module


def keras() -> Any:
    """The module keras, on TensorFlow unless KERAS_BACKEND says otherwise."""
    if os.environ.setdefault("KERAS_BACKEND", "tensorflow") == "tensorflow":
        tensorflow()
    return import_quietly("keras")
