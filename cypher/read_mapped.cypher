// The models whose blocks a graph holds, beside rows, and how many measurements are on them.
// params: graph
// columns: model, measured
MATCH (b:Block {graph: $graph}) WHERE coalesce(b.kind, '') <> 'row'
OPTIONAL MATCH (:Concept {graph: $graph})-[e:MAPS_TO]->(b) WHERE e.measured IS NOT NULL
RETURN b.model AS model, count(e) AS measured ORDER BY model
