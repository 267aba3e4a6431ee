// The strengths that people changed: what was planned, what holds now.
// params: graph
// columns: key, concept, model, layer, index, planned, strength, kind, block
MATCH (c:Concept {graph: $graph})-[m:MAPS_TO]->(b:Block)
WHERE m.strength <> coalesce(m.planned, 0.0)
RETURN c.key AS key, c.name AS concept, b.model AS model, b.layer AS layer, b.index AS index, m.planned AS planned, m.strength AS strength, b.kind AS kind, b.name AS block
ORDER BY key, model, layer, index
