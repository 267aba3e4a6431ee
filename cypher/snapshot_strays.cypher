// Classes without a graph that items of a graph are labelled with: people made them.
// params: graph
// columns: id, labels, node
MATCH (:Item {graph: $graph})-[:LABELLED|LABELLED_NOT]->(c:Class) WHERE c.graph IS NULL
RETURN DISTINCT elementId(c) AS id, labels(c) AS labels, c AS node
