// How many Theme nodes a graph has.
// params: graph
// columns: n
MATCH (n:Theme {graph: $graph}) RETURN count(n) AS n
