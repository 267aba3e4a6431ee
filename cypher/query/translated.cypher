// Which concepts of another language a concept's words translate into, by kgkt lexicon; the most words first.
// params: graph, into = "", limit = 100
// columns: key, concept, other, other_concept, words, share, back, confidence, examples
MATCH (c:Concept {graph: $graph})-[t:TRANSLATES]-(d:Concept)
WHERE $into = '' OR d.graph = toString($into)
WITH c, t, d, startNode(t).graph = $graph AS ahead
RETURN c.key AS key, c.name AS concept, d.key AS other, d.name AS other_concept, t.words AS words, CASE WHEN ahead THEN t.share ELSE t.back END AS share, CASE WHEN ahead THEN t.back ELSE t.share END AS back, t.confidence AS confidence, t.examples AS examples
ORDER BY words DESC, key, other LIMIT $limit
