// The models whose blocks a graph holds: each map stays until populate, whichever was made last.
// params: graph
// columns: model
MATCH (b:Block {graph: $graph}) RETURN DISTINCT b.model AS model ORDER BY model
