// The models whose Embedding rows a graph holds as blocks.
// params: graph
// columns: model
MATCH (b:Block {graph: $graph, kind: 'row'}) RETURN DISTINCT b.model AS model ORDER BY model
