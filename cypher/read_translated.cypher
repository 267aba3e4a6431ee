// Which pairs of graphs, one of them this, have a lexicon: the graph of the source and that of the target, by name.
// params: graph
// columns: first, second
MATCH (a:Concept)-[:TRANSLATES]->(b:Concept) WHERE a.graph = $graph OR b.graph = $graph
RETURN DISTINCT a.graph AS first, b.graph AS second ORDER BY first, second
