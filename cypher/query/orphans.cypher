// Concepts without any edge: nothing flows to them from their surroundings.
// params: graph, limit = 20
// columns: key, concept, items
MATCH (c:Concept {graph: $graph})
WHERE NOT EXISTS { MATCH (c)-[:SIMILAR_TO]-(:Concept) }
RETURN c.key AS key, c.name AS concept, c.size AS items
ORDER BY items DESC, key LIMIT $limit
