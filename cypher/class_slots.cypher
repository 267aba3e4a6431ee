// The classes that the mapped models of a graph have a slot for in their head.
// params: graph
// columns: model, name
MATCH (b:Block {graph: $graph, kind: 'head'}) RETURN DISTINCT b.model AS model, b.name AS name
