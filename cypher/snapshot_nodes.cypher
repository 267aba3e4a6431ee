// Every node of a graph, whoever made it.
// params: graph
// columns: id, labels, node
MATCH (n:Graph|Model|Concept|Theme|Class|Item|Block) WHERE n.graph = $graph
RETURN elementId(n) AS id, labels(n) AS labels, n AS node
