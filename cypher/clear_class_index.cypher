// Take classes out of the order of B's outputs; a row is {graph, name}.
// params: rows
UNWIND $rows AS r MATCH (c:Class {graph: r.graph, name: r.name}) REMOVE c.index
