// How many Concept nodes a graph has.
// params: graph
// columns: n
MATCH (n:Concept {graph: $graph}) RETURN count(n) AS n
