// How many Item nodes a graph has.
// params: graph
// columns: n
MATCH (n:Item {graph: $graph}) RETURN count(n) AS n
