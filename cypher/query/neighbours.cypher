// The example items that share concepts with an item, the closest first.
// params: graph, item, limit = 20
// columns: item, closeness, class, uri
MATCH (:Item {graph: $graph, item_id: toString($item)})-[e:EXAMPLE_OF]->(c:Concept)<-[f:EXAMPLE_OF]-(o:Item)
WHERE o.item_id <> toString($item)
WITH o, sum(e.strength * f.strength) AS closeness
OPTIONAL MATCH (o)-[:LABELLED]->(k:Class)
RETURN o.item_id AS item, closeness, k.name AS class, o.uri AS uri
ORDER BY closeness DESC, item LIMIT $limit
