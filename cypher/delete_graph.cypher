// Delete the Graph node of a graph.
// params: graph
MATCH (g:Graph {key: $graph}) DETACH DELETE g
