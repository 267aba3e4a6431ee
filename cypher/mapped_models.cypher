// The models whose blocks a graph holds, beside rows: each map stays until populate, whichever was made last.
// params: graph
// columns: model
MATCH (b:Block {graph: $graph}) WHERE coalesce(b.kind, '') <> 'row' RETURN DISTINCT b.model AS model ORDER BY model
