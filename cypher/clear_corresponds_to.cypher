// Forget up to 10,000 correspondences of a graph's concepts to those of another graph; repeated until none is left.
// params: graph, other
MATCH (:Concept {graph: $graph})-[e:CORRESPONDS_TO]->(b:Concept) WHERE b.graph = $other WITH e LIMIT 10000 DELETE e
