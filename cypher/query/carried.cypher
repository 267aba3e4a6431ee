// Which source carries which concept: the one that alone holds it together best, and the next; clearest first.
// params: graph, limit = 20
// columns: key, concept, items, model, share, next_model, next_share
MATCH (c:Concept {graph: $graph})-[r:CARRIED_BY]->(m:Model)
WITH c, m, r ORDER BY r.share DESC, m.name
WITH c, collect(m.name) AS models, collect(r.share) AS shares
WHERE c.active
RETURN c.key AS key, c.name AS concept, c.size AS items, models[0] AS model, shares[0] AS share, models[1] AS next_model, shares[1] AS next_share
ORDER BY shares[0] - coalesce(shares[1], 0.0) DESC, key LIMIT $limit
