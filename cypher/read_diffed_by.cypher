// Which other graphs were compared with a graph, by name.
// params: graph
// columns: first
MATCH (a:Concept)-[:CORRESPONDS_TO]->(:Concept {graph: $graph}) RETURN DISTINCT a.graph AS first ORDER BY first
