// Say which items are examples of which concepts; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Item {key: r.a}), (b:Concept {key: r.b}) MERGE (a)-[e:EXAMPLE_OF]->(b) SET e += r.props
