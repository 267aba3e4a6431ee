// The largest concepts that hold no labelled item.
// params: graph, limit = 20
// columns: key, concept, items
MATCH (c:Concept {graph: $graph})
WHERE c.active AND NOT EXISTS { MATCH (c)<-[:EXAMPLE_OF]-(i:Item)-[:LABELLED]->(:Class) }
RETURN c.key AS key, c.name AS concept, c.size AS items
ORDER BY items DESC, key LIMIT $limit
