// Every tick: what is like this item is not of that class.
// params: graph, limit = 1000
// columns: item, not_class, by, at, uri
MATCH (i:Item {graph: $graph})-[e:LABELLED_NOT]->(k:Class)
RETURN i.item_id AS item, k.name AS not_class, e.by AS by, e.at AS at, i.uri AS uri
ORDER BY not_class, item LIMIT $limit
