// The names of the properties that the classes of a graph have, without those that the embedded engine adds.
// params: graph
// columns: key, properties
MATCH (c:Class {graph: $graph})
RETURN c.key AS key, [p IN keys(c) WHERE NOT p IN ['id', 'title', 'type']] AS properties
