// How many blocks of a model a graph holds, but for rows.
// params: graph, model
// columns: n
MATCH (n:Block {graph: $graph, model: $model}) WHERE coalesce(n.kind, '') <> 'row' RETURN count(n) AS n
