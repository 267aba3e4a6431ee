// The strengths that people changed: what was planned, what holds now.
// params: graph
// columns: key, concept, model, layer, index, planned, strength
MATCH (c:Concept {graph: $graph})-[m:MAPS_TO]->(b:Block)
WHERE m.strength <> m.planned
RETURN c.key AS key, c.name AS concept, b.model AS model, b.layer AS layer, b.index AS index, m.planned AS planned, m.strength AS strength
ORDER BY key, model, layer, index
