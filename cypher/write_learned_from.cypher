// Say which models a graph was learned from; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Graph {key: r.a}), (b:Model {key: r.b}) MERGE (a)-[e:LEARNED_FROM]->(b) SET e += r.props
