// How many row blocks of one Embedding of a model a graph holds.
// params: graph, model, layer
// columns: n
MATCH (n:Block {graph: $graph, model: $model, layer: $layer, kind: 'row'}) RETURN count(n) AS n
