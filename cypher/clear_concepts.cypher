// Delete up to 5,000 Concept nodes of a graph, with their relationships; repeated until none is left.
// params: graph
MATCH (n:Concept {graph: $graph}) WITH n LIMIT 5000 DETACH DELETE n
