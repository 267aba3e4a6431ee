// How many translations there are from a graph's concepts into those of another graph.
// params: graph, other
// columns: n
MATCH (:Concept {graph: $graph})-[e:TRANSLATES]->(b:Concept) WHERE b.graph = $other RETURN count(e) AS n
