// Put blocks into their model; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Block {key: r.a}), (b:Model {key: r.b}) MERGE (a)-[e:IN_MODEL]->(b) SET e += r.props
