// Forget what became of up to 10,000 concepts of a graph in one model; repeated until nothing is left.
// params: graph, model
MATCH (:Concept {graph: $graph})-[e:ARRIVED_IN]->(m:Model) WHERE m.name = $model WITH e LIMIT 10000 DELETE e
