// Concepts whose words have no counterpart in another language (into: its graph), by kgkt lexicon, that is on; the largest first.
// params: graph, into = "", limit = 1000
// columns: key, concept, items
MATCH (o:Concept {graph: $graph})-[:TRANSLATES]-(p:Concept) WHERE $into = '' OR p.graph = toString($into)
WITH count(o) AS asked WHERE asked > 0
MATCH (c:Concept {graph: $graph})
WHERE c.active AND NOT EXISTS { MATCH (c)-[:TRANSLATES]-(d:Concept) WHERE d.active AND ($into = '' OR d.graph = toString($into)) }
RETURN c.key AS key, c.name AS concept, c.size AS items
ORDER BY items DESC, key LIMIT $limit
