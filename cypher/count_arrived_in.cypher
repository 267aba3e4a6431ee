// Of how many concepts a graph says what became of them in one model.
// params: graph, model
// columns: n
MATCH (:Concept {graph: $graph})-[e:ARRIVED_IN]->(m:Model) WHERE m.name = $model RETURN count(e) AS n
