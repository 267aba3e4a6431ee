// Which word each row block of one Embedding of a model is of.
// params: graph, model, layer
// columns: index, word
MATCH (b:Block {graph: $graph, model: $model, layer: $layer, kind: 'row'})
RETURN b.index AS index, b.name AS word ORDER BY index
