// How many Class nodes a graph has.
// params: graph
// columns: n
MATCH (n:Class {graph: $graph}) RETURN count(n) AS n
