// How many Block nodes a graph has.
// params: graph
// columns: n
MATCH (n:Block {graph: $graph}) RETURN count(n) AS n
