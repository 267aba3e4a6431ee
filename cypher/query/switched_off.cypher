// The concepts that are switched off.
// params: graph
// columns: key, concept, items
MATCH (c:Concept {graph: $graph})
WHERE c.active = false
RETURN c.key AS key, c.name AS concept, c.size AS items
ORDER BY items DESC, key
