"""Words: rows of B's Embedding, words that B never saw, and lexicons of two languages."""
