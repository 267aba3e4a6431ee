// The items of a graph that no relationship holds, and the names of their properties, without those that the embedded
// engine adds.
// params: graph
// columns: key, properties
MATCH (i:Item {graph: $graph}) WHERE NOT EXISTS { (i)--() }
RETURN i.key AS key, [p IN keys(i) WHERE NOT p IN ['id', 'title', 'type']] AS properties
