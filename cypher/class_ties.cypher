// What hangs on the classes of a graph: the kinds of relationships of each.
// params: graph
// columns: key, type
MATCH (c:Class {graph: $graph})-[e]-() RETURN DISTINCT c.key AS key, type(e) AS type
