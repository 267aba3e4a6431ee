// Delete up to 5,000 blocks of one model but for rows, with what maps to them; repeated until none is left.
// params: graph, model
MATCH (n:Block {graph: $graph, model: $model}) WHERE coalesce(n.kind, '') <> 'row' WITH n LIMIT 5000 DETACH DELETE n
