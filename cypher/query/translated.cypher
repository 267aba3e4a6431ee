// Which concepts of another language a concept's words translate into, by kgkt lexicon; those first between which the most are expected to be right.
// params: graph, into = "", limit = 100
// columns: key, concept, other, other_concept, words, share, back, confidence, examples
MATCH (c:Concept {graph: $graph})-[t:TRANSLATES]-(d:Concept)
WHERE c.active AND d.active AND ($into = '' OR d.graph = toString($into))
WITH c, t, d, startNode(t).graph = $graph AS ahead
RETURN c.key AS key, c.name AS concept, d.key AS other, d.name AS other_concept, t.words AS words, CASE WHEN ahead THEN t.share ELSE t.back END AS share, CASE WHEN ahead THEN t.back ELSE t.share END AS back, t.confidence AS confidence, t.examples AS examples
ORDER BY words * confidence DESC, share DESC, key, other LIMIT $limit
