"""kgkt: what a trained model knows, as a graph that people ask, label and correct."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

# loaded when they are asked for: `import kgkt` needs none of what they need
_HOMES = {"ConceptSpreading": "estimator", "populate": "api", "open_graph": "api", "Run": "api",
          "lexicon": "api"}
__all__ = ["ConceptSpreading", "Run", "lexicon", "open_graph", "populate"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kgkt' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"kgkt.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
