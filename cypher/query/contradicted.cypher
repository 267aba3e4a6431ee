// Labelled items whose concepts lean to another class: labels to look at again.
// params: graph, above = 0.5, limit = 20
// columns: item, class, concept, leans_to, mass, uri
MATCH (k:Class)<-[:LABELLED]-(i:Item {graph: $graph})-[:EXAMPLE_OF]->(c:Concept)-[l:LEANS_TO]->(o:Class)
WHERE o.name <> k.name AND l.mass > $above
RETURN i.item_id AS item, k.name AS class, c.name AS concept, o.name AS leans_to, l.mass AS mass, i.uri AS uri
ORDER BY mass DESC, item LIMIT $limit
