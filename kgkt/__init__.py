"""kgkt: what a trained model knows, as a graph that people ask, label and correct."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`kgkt.ConceptSpreading`, loaded when it is asked for: it needs scikit-learn, `import kgkt` does not."""
    if name == "ConceptSpreading":
        from kgkt.estimator import ConceptSpreading

        return ConceptSpreading
    raise AttributeError(f"module 'kgkt' has no attribute {name!r}")
