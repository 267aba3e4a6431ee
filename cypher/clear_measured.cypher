// Delete up to 5,000 edges to a model's blocks that were only measured, neither planned nor given a strength; repeated until none is left.
// params: graph, model
MATCH (:Concept {graph: $graph})-[e:MAPS_TO]->(:Block {graph: $graph, model: $model})
WHERE e.strength = 0 AND e.planned = 0 AND e.measured IS NOT NULL
WITH e LIMIT 5000 DELETE e
