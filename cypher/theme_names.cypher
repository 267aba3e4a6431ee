// What the themes of a graph are called.
// params: graph
// columns: key, theme
MATCH (t:Theme {graph: $graph}) RETURN t.key AS key, t.name AS theme
