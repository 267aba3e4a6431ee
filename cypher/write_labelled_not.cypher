// Tick items: what is like this is not that class; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Item {key: r.a}), (b:Class {key: r.b}) MERGE (a)-[e:LABELLED_NOT]->(b) SET e += r.props
