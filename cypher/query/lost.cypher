// The concepts that kgkt diff found lost in a B, or in another graph (into: its name), the largest first.
// params: graph, into = "", limit = 1000
// columns: key, concept, items, into, kept, floor, ceiling
MATCH (c:Concept {graph: $graph})-[r:ARRIVED_IN|CORRESPONDS_TO]->(b)
WHERE r.verdict = 'lost'
WITH c, r, CASE WHEN type(r) = 'ARRIVED_IN' THEN b.name ELSE b.graph END AS into
WHERE $into = '' OR into = toString($into)
RETURN DISTINCT c.key AS key, c.name AS concept, c.size AS items, into, r.kept AS kept, r.floor AS floor, r.ceiling AS ceiling
ORDER BY items DESC, key, into LIMIT $limit
