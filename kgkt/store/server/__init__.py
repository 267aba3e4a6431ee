"""A Neo4j server: how it is reached, and what it answers."""
