// The map of a graph: its themes, and the concepts of each.
// params: graph
// columns: p
MATCH p = (:Concept {graph: $graph})-[:PART_OF]->(:Theme)
RETURN p LIMIT 300
