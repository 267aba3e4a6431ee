// The concepts that lean to a class, the surest first.
// params: graph, class, limit = 20
// columns: key, concept, items, mass
MATCH (c:Concept {graph: $graph})-[l:LEANS_TO]->(:Class {graph: $graph, name: toString($class)})
RETURN c.key AS key, c.name AS concept, c.size AS items, l.mass AS mass
ORDER BY mass DESC, key LIMIT $limit
