// Forget what up to 10,000 times a concept of a graph leans to a class; repeated until nothing is left.
// params: graph
MATCH (:Concept {graph: $graph})-[e:LEANS_TO]->(:Class) WITH e LIMIT 10000 DELETE e
