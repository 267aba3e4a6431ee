// Make the Graph node that a writer is going to hold, where there is none.
// params: graph
MERGE (g:Graph {key: $graph}) ON CREATE SET g.graph = $graph, g.name = $graph
