// How many edges the concepts of a graph have, and the sum of their weights: what tells that one was changed.
// params: graph
// columns: n, total
MATCH (:Concept {graph: $graph})-[e:SIMILAR_TO]->(:Concept {graph: $graph}) RETURN count(e) AS n, sum(e.weight) AS total
