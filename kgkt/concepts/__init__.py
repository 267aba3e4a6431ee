"""The mathematics of the concept graph: plain functions on arrays."""
