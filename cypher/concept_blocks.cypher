// The blocks of models that concepts map to, as planned or as measured.
// params: graph
// columns: concept, model, layer, index, kind, strength, planned, measured
MATCH (c:Concept {graph: $graph})-[m:MAPS_TO]->(b:Block)
WHERE m.strength > 0 OR m.measured > 0
RETURN c.key AS concept, b.model AS model, b.layer AS layer, b.index AS index, b.kind AS kind, m.strength AS strength, m.planned AS planned, m.measured AS measured
