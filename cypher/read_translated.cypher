// Which pairs of graphs, one of them this, have a lexicon: the graph of the source and that of the target, by name, what part of the held out words it got right, and what was merged when it was made, as a digest.
// params: graph
// columns: first, second, right, merged
MATCH (a:Concept)-[t:TRANSLATES]->(b:Concept) WHERE a.graph = $graph OR b.graph = $graph
RETURN a.graph AS first, b.graph AS second, min(t.right) AS right, min(t.merged) AS merged ORDER BY first, second
