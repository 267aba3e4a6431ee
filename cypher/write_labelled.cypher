// Label items; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Item {key: r.a}), (b:Class {key: r.b}) MERGE (a)-[e:LABELLED]->(b) SET e += r.props
