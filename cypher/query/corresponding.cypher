// Which concepts of other graphs hold the same items as a graph's concepts, by kgkt diff; the most alike first.
// params: graph, limit = 20
// columns: key, concept, other, other_concept, overlap, back, verdict, new
MATCH (c:Concept {graph: $graph})-[r:CORRESPONDS_TO]->(d:Concept)
RETURN c.key AS key, c.name AS concept, d.key AS other, d.name AS other_concept, r.overlap AS overlap, r.back AS back, r.verdict AS verdict, r.new AS new
ORDER BY overlap + back DESC, key, other LIMIT $limit
