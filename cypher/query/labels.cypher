// Every label, with who gave it and when.
// params: graph, limit = 1000
// columns: item, class, by, at, uri
MATCH (i:Item {graph: $graph})-[e:LABELLED]->(k:Class)
RETURN i.item_id AS item, k.name AS class, e.by AS by, e.at AS at, i.uri AS uri
ORDER BY class, item LIMIT $limit
