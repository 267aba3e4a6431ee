// What a graph was compared with: models, and other graphs, by name.
// params: graph
// columns: into, model
MATCH (:Concept {graph: $graph})-[r:ARRIVED_IN|CORRESPONDS_TO]->(b)
WITH DISTINCT CASE WHEN type(r) = 'ARRIVED_IN' THEN b.name ELSE b.graph END AS into, type(r) = 'ARRIVED_IN' AS model
RETURN into, model ORDER BY into
