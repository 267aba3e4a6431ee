"""Formats that leave: for Gephi, pandas, Neo4j's importer, embedding-atlas, Neo4j Browser."""
