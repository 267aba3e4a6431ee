// How many leanings a graph holds.
// params: graph
// columns: n
MATCH (:Concept {graph: $graph})-[e:LEANS_TO]->(:Class) RETURN count(e) AS n
