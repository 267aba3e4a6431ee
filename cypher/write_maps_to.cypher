// Map concepts to the blocks of a model; a row is {a, b, props}, both ends by key.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Block {key: r.b}) MERGE (a)-[e:MAPS_TO]->(b) SET e += r.props
