// The neighbours of a concept, given by name or number, by the items lying between.
// params: graph, concept, limit = 20
// columns: key, concept, items, weight, cosine
MATCH (c:Concept {graph: $graph})-[s:SIMILAR_TO]-(d:Concept)
WHERE c.name = toString($concept) OR c.key = $graph + '/concept/' + toString($concept)
RETURN d.key AS key, d.name AS concept, d.size AS items, s.weight AS weight, s.cosine AS cosine
ORDER BY weight DESC, key LIMIT $limit
