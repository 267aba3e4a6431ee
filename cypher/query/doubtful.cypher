// Concepts that lean to no class clearly: their largest mass is below a bound.
// params: graph, below = 0.6, limit = 20
// columns: key, concept, items, class, mass, next_class, next_mass
MATCH (c:Concept {graph: $graph})-[l:LEANS_TO]->(k:Class)
WITH c, k, l ORDER BY l.mass DESC, k.name
WITH c, collect(k.name) AS classes, collect(l.mass) AS masses
WHERE c.active AND masses[0] < $below
RETURN c.key AS key, c.name AS concept, c.size AS items, classes[0] AS class, masses[0] AS mass, classes[1] AS next_class, masses[1] AS next_mass
ORDER BY items DESC, key LIMIT $limit
