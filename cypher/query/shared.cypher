// What two concepts share: the concepts that are neighbours of both, by the weaker of the two edges. Given by name or number.
// params: graph, a, b, limit = 20
// columns: key, concept, items, weight_a, weight_b
MATCH (a:Concept {graph: $graph}) WHERE a.name = toString($a) OR a.key = $graph + '/concept/' + toString($a)
MATCH (b:Concept {graph: $graph}) WHERE b.name = toString($b) OR b.key = $graph + '/concept/' + toString($b)
WITH a, b WHERE a <> b
MATCH (a)-[s:SIMILAR_TO]-(c:Concept)-[t:SIMILAR_TO]-(b)
RETURN c.key AS key, c.name AS concept, c.size AS items, s.weight AS weight_a, t.weight AS weight_b
ORDER BY CASE WHEN weight_a < weight_b THEN weight_a ELSE weight_b END DESC, key LIMIT $limit
