// The concepts with the most edges, and the items that lie between them and their neighbours.
// params: graph, limit = 20
// columns: key, concept, edges, weight
MATCH (c:Concept {graph: $graph})-[s:SIMILAR_TO]-(:Concept)
RETURN c.key AS key, c.name AS concept, count(s) AS edges, sum(s.weight) AS weight
ORDER BY edges DESC, weight DESC, key LIMIT $limit
