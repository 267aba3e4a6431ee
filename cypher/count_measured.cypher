// How many edges to a model's blocks were only measured, neither planned nor given a strength.
// params: graph, model
// columns: n
MATCH (:Concept {graph: $graph})-[e:MAPS_TO]->(:Block {graph: $graph, model: $model})
WHERE e.strength = 0 AND e.planned = 0 AND e.measured IS NOT NULL
RETURN count(e) AS n
