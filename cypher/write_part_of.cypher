// Put concepts into their themes; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Theme {key: r.b}) MERGE (a)-[e:PART_OF]->(b) SET e += r.props
