// Which pairs of graphs, one of them this, have a lexicon: the graph of the source and that of the target, by name, and what part of the held out words it got right.
// params: graph
// columns: first, second, right
MATCH (a:Concept)-[t:TRANSLATES]->(b:Concept) WHERE a.graph = $graph OR b.graph = $graph
RETURN a.graph AS first, b.graph AS second, min(t.right) AS right ORDER BY first, second
