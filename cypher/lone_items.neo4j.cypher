// The items of a graph that no relationship holds, and the names of their properties.
// params: graph
// columns: key, properties
MATCH (i:Item {graph: $graph}) WHERE NOT EXISTS { (i)--() } RETURN i.key AS key, keys(i) AS properties
