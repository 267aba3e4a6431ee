// How strongly each concept maps to blocks of a model: the largest strength, planned or measured.
// params: graph, model
// columns: concept, strength
MATCH (c:Concept {graph: $graph})-[m:MAPS_TO]->(b:Block {graph: $graph, model: $model})
WITH c, max(coalesce(m.measured, m.strength)) AS strength
RETURN c.key AS concept, strength
