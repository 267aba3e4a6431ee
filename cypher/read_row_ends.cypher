// Which concepts map to the rows of one Embedding of a model, how strongly or not.
// params: graph, model, layer
// columns: concept, index
MATCH (c:Concept {graph: $graph})-[:MAPS_TO]->(b:Block {graph: $graph, model: $model, layer: $layer, kind: 'row'})
RETURN c.key AS concept, b.index AS index ORDER BY index, concept
