// How many Model nodes a graph has.
// params: graph
// columns: n
MATCH (n:Model {graph: $graph}) RETURN count(n) AS n
