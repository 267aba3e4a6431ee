// The concepts of a theme, with what each leans to most. The theme is given by name or number.
// params: graph, theme, limit = 50
// columns: key, concept, items, class, mass
MATCH (t:Theme {graph: $graph})<-[:PART_OF]-(c:Concept)
WHERE t.name = toString($theme) OR t.key = $graph + '/theme/' + toString($theme)
OPTIONAL MATCH (c)-[l:LEANS_TO]->(k:Class)
WITH c, k, l ORDER BY l.mass DESC, k.name
WITH c, collect(k.name) AS classes, collect(l.mass) AS masses
RETURN c.key AS key, c.name AS concept, c.size AS items, head(classes) AS class, head(masses) AS mass
ORDER BY items DESC, key LIMIT $limit
