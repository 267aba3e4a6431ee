// The blocks of a trained model that no concept reaches: none goes along with them above a bound, as measured.
// params: graph, below = 0.3, limit = 20
// columns: model, layer, index, kind, measured, strength
MATCH (b:Block {graph: $graph})-[:IN_MODEL]->(o:Model)
WHERE o.measured_on IS NOT NULL AND coalesce(b.kind, '') <> 'row'
OPTIONAL MATCH (b)<-[m:MAPS_TO]-(:Concept)
WITH b, max(coalesce(m.measured, 0.0)) AS measured, max(coalesce(m.strength, 0.0)) AS strength
WHERE measured < $below
RETURN b.model AS model, b.layer AS layer, b.index AS index, b.kind AS kind, measured, strength
ORDER BY measured, model, layer, index LIMIT $limit
