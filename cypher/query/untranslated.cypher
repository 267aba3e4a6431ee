// Concepts whose words have no counterpart in another language (into: its graph), by kgkt lexicon, that is on; the largest first. One that is merged into another counts as that.
// params: graph, into = "", limit = 1000
// columns: key, concept, items
MATCH (o:Concept {graph: $graph})-[:TRANSLATES]-(p:Concept) WHERE $into = '' OR p.graph = toString($into)
WITH count(o) AS asked WHERE asked > 0
MATCH (c:Concept {graph: $graph})
WHERE c.active AND c.size > 0
AND NOT EXISTS { MATCH (c)-[:MERGED_INTO]->(:Concept) }
AND NOT EXISTS { MATCH (c)-[:TRANSLATES]-(d:Concept) WHERE d.active AND ($into = '' OR d.graph = toString($into)) }
AND NOT EXISTS { MATCH (c)<-[:MERGED_INTO*1..15]-(q:Concept)-[:TRANSLATES]-(e:Concept) WHERE q.active AND e.active AND ($into = '' OR e.graph = toString($into)) }
RETURN c.key AS key, c.name AS concept, c.size AS items
ORDER BY items DESC, key LIMIT $limit
