// How strongly concepts map to the blocks of a model.
// params: graph, model
// columns: concept, layer, index, strength, planned
MATCH (c:Concept {graph: $graph})-[e:MAPS_TO]->(b:Block {graph: $graph, model: $model})
RETURN c.key AS concept, b.layer AS layer, b.index AS index, e.strength AS strength, e.planned AS planned
