// The classes of a graph, and the fixed place of each where the order is frozen.
// params: graph
// columns: key, name, index
MATCH (c:Class {graph: $graph}) RETURN c.key AS key, c.name AS name, c.index AS index
