// The blocks of the models in a graph, counted by layer and kind; rows of an Embedding are left out.
// params: graph
// columns: model, layer, kind, blocks
MATCH (b:Block {graph: $graph}) WHERE coalesce(b.kind, '') <> 'row'
RETURN b.model AS model, b.layer AS layer, b.kind AS kind, count(b) AS blocks ORDER BY model, layer, kind
