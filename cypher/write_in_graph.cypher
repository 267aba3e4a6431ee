// Put concepts into their graph; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Graph {key: r.b}) MERGE (a)-[e:IN_GRAPH]->(b) SET e += r.props
