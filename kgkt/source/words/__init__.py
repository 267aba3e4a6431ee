"""Word vectors as people have them, and as a source: readers of their files, lists of words, pairs."""
