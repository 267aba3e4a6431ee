// What a block of model B is taught: the concepts that reach it most, and what they lean to.
// params: graph, layer, index
// columns: b, m, c, l, k
MATCH (b:Block {graph: $graph, layer: $layer, index: $index})<-[m:MAPS_TO]-(c:Concept)
WHERE m.strength > 0
WITH b, m, c ORDER BY m.strength DESC, c.key LIMIT 15
OPTIONAL MATCH (c)-[l:LEANS_TO]->(k:Class) WHERE l.mass > 0.5
RETURN b, m, c, l, k
