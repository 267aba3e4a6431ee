// How many correspondences there are from a graph's concepts to those of another graph.
// params: graph, other
// columns: n
MATCH (:Concept {graph: $graph})-[e:CORRESPONDS_TO]->(b:Concept) WHERE b.graph = $other RETURN count(e) AS n
