"""The run directory: files, state and staleness, the graph as people left it, what is carried over."""
