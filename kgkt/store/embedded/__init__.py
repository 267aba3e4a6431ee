"""The embedded engine, kglite: one file, and the fence around it."""
