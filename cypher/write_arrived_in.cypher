// Say what became of a concept in a model; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Model {key: r.b}) MERGE (a)-[e:ARRIVED_IN]->(b) SET e += r.props
