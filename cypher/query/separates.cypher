// What separates two classes: the concepts whose masses for the two lie furthest apart, by their size.
// params: graph, a, b, limit = 20
// columns: key, concept, items, mass_a, mass_b
MATCH (c:Concept {graph: $graph})-[l:LEANS_TO]->(k:Class)
WHERE c.active AND k.name IN [toString($a), toString($b)]
WITH c, sum(CASE WHEN k.name = toString($a) THEN l.mass ELSE 0.0 END) AS mass_a,
     sum(CASE WHEN k.name = toString($b) THEN l.mass ELSE 0.0 END) AS mass_b
RETURN c.key AS key, c.name AS concept, c.size AS items, mass_a, mass_b
ORDER BY abs(mass_a - mass_b) * items DESC, key LIMIT $limit
