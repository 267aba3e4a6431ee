// How many translations there are between the concepts of two graphs, whichever way round.
// params: graph, other
// columns: n
MATCH (:Concept {graph: $graph})-[e:TRANSLATES]-(b:Concept) WHERE b.graph = $other RETURN count(e) AS n
