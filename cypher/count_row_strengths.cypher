// How many strengths there are to the rows of one Embedding of a model.
// params: graph, model, layer
// columns: n
MATCH (:Concept {graph: $graph})-[e:MAPS_TO]->(:Block {graph: $graph, model: $model, layer: $layer, kind: 'row'})
RETURN count(e) AS n
