"""From the graph into model B: the teacher, the map to blocks of weights, the fusion."""
