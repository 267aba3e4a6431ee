// Every tick of a graph.
// params: graph
// columns: item_id, key, class, class_key, class_graph, by, at
MATCH (c:Class)<-[e:LABELLED_NOT]-(i:Item {graph: $graph})
RETURN i.item_id AS item_id, i.key AS key, c.name AS class, c.key AS class_key, c.graph AS class_graph, e.by AS by, e.at AS at
