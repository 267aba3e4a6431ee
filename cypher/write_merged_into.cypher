// Count concepts as parts of others; a row is {a, b, props}, both ends by key: a becomes a part of b.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Concept {key: r.b}) MERGE (a)-[e:MERGED_INTO]->(b) SET e += r.props
