// The blocks of models that a concept maps to, as planned or as measured, the strongest first.
// params: graph, concept, limit
// columns: model, layer, index, kind, strength, planned, measured
MATCH (:Concept {graph: $graph, key: $concept})-[m:MAPS_TO]->(b:Block)
WHERE m.strength > 0 OR m.measured > 0
RETURN b.model AS model, b.layer AS layer, b.index AS index, b.kind AS kind, m.strength AS strength, m.planned AS planned, m.measured AS measured
ORDER BY coalesce(m.measured, m.strength) DESC, model, layer, index LIMIT $limit
