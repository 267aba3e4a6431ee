// How many blocks of a model a graph holds.
// params: graph, model
// columns: n
MATCH (n:Block {graph: $graph, model: $model}) RETURN count(n) AS n
