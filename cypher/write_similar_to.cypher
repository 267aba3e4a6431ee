// Write the edges between concepts, lower number first; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Concept {key: r.b}) MERGE (a)-[e:SIMILAR_TO]->(b) SET e += r.props
