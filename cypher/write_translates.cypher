// Say that words of a concept translate into words of a concept of another graph; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Concept {key: r.b}) MERGE (a)-[e:TRANSLATES]->(b) SET e += r.props
