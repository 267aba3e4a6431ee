// Every concept, the largest first, and the class that it leans to most.
// params: graph, limit = 100
// columns: key, concept, items, active, class, mass
MATCH (c:Concept {graph: $graph})
OPTIONAL MATCH (c)-[l:LEANS_TO]->(k:Class)
WITH c, k, l ORDER BY l.mass DESC, k.name
WITH c, collect(k.name) AS classes, collect(l.mass) AS masses
RETURN c.key AS key, c.name AS concept, c.size AS items, c.active AS active, classes[0] AS class, masses[0] AS mass
ORDER BY items DESC, key LIMIT $limit
