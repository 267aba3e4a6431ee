// Write what each concept leans to; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Class {key: r.b}) MERGE (a)-[e:LEANS_TO]->(b) SET e += r.props
