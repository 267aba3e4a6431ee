// The concepts that kgkt diff found arrived in a B, or in another graph (into: its name), the best kept first.
// params: graph, into = "", limit = 1000
// columns: key, concept, items, into, kept, floor, ceiling
MATCH (c:Concept {graph: $graph})-[r:ARRIVED_IN|CORRESPONDS_TO]->(b)
WHERE r.verdict = 'arrived'
WITH c, r, CASE WHEN type(r) = 'ARRIVED_IN' THEN b.name ELSE b.graph END AS into
WHERE $into = '' OR into = toString($into)
RETURN DISTINCT c.key AS key, c.name AS concept, c.size AS items, into, r.kept AS kept, r.floor AS floor, r.ceiling AS ceiling
ORDER BY kept DESC, key, into LIMIT $limit
