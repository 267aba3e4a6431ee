// How strongly concepts map to the rows of one Embedding of a model, where people said so: where it is not as planned.
// params: graph, model, layer
// columns: concept, index, word, strength, planned
MATCH (c:Concept {graph: $graph})-[e:MAPS_TO]->(b:Block {graph: $graph, model: $model, layer: $layer, kind: 'row'})
WHERE e.strength IS NULL OR e.planned IS NULL OR e.strength <> e.planned
RETURN c.key AS concept, b.index AS index, b.name AS word, e.strength AS strength, e.planned AS planned
ORDER BY index, concept
