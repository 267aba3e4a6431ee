// Forget up to 10,000 translations between the concepts of two graphs, whichever way round; repeated until none is left.
// params: graph, other
MATCH (:Concept {graph: $graph})-[e:TRANSLATES]-(b:Concept) WHERE b.graph = $other WITH e LIMIT 10000 DELETE e
