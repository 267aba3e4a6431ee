// Delete up to 5,000 row blocks of one Embedding of a model, with what maps to them; repeated until none is left.
// params: graph, model, layer
MATCH (n:Block {graph: $graph, model: $model, layer: $layer, kind: 'row'}) WITH n LIMIT 5000 DETACH DELETE n
