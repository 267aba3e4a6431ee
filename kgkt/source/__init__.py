"""What model A knows: opening models safely, reading data, extracting features."""
