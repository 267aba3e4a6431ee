"""kgkt: what a trained model knows, as a graph that people ask, label and correct."""

__version__ = "0.1.0"
