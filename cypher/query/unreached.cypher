// Active concepts that lean to nothing: no label reaches them.
// params: graph, limit = 20
// columns: key, concept, items
MATCH (c:Concept {graph: $graph})
WHERE c.active AND NOT EXISTS { MATCH (c)-[:LEANS_TO]->(:Class) }
RETURN c.key AS key, c.name AS concept, c.size AS items
ORDER BY items DESC, key LIMIT $limit
