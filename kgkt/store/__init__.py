"""The database that holds the graph: one protocol, one variant a file."""
