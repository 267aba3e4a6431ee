"""The verbs in Python: `import kgkt; run = kgkt.populate(model=…, data=…)`, then `run.label(…)`, `run.fuse(…)`.

The command line is a thin door to these functions: it parses, calls one of them, and prints what it returns.
A setting that is not given comes from the recipe (`kgkt.toml`), where there is one, and then from its default.
"""

from kgkt.api.run import Run, open_graph, populate
from kgkt.api.words import lexicon

__all__ = ["Run", "lexicon", "open_graph", "populate"]
