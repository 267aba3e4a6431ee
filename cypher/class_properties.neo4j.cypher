// The names of the properties that the classes of a graph have.
// params: graph
// columns: key, properties
MATCH (c:Class {graph: $graph}) RETURN c.key AS key, keys(c) AS properties
