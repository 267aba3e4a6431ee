// How strongly concepts map to the blocks of a model; what was only measured there is left out, and rows are.
// params: graph, model
// columns: concept, layer, index, strength, planned
MATCH (c:Concept {graph: $graph})-[e:MAPS_TO]->(b:Block {graph: $graph, model: $model})
WHERE coalesce(b.kind, '') <> 'row' AND (e.strength IS NULL OR e.strength <> 0 OR e.planned <> 0 OR e.measured IS NULL)
RETURN c.key AS concept, b.layer AS layer, b.index AS index, e.strength AS strength, e.planned AS planned
