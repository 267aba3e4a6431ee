// Say how well a source alone holds a concept together; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Model {key: r.b}) MERGE (a)-[e:CARRIED_BY]->(b) SET e += r.props
