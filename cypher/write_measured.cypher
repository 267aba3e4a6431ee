// How blocks of a trained model go along with concepts; a row is {a, b, measured}, both ends by key. What was never planned gets strength 0.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.a}), (b:Block {key: r.b}) MERGE (a)-[e:MAPS_TO]->(b)
ON CREATE SET e.strength = 0.0, e.planned = 0.0 SET e.measured = r.measured
