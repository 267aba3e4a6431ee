// Every relationship that begins at a node of a graph.
// params: graph
// columns: start, end, type, properties
MATCH (a:Graph|Model|Concept|Theme|Class|Item|Block)-[r]->(b) WHERE a.graph = $graph
RETURN elementId(a) AS start, elementId(b) AS end, type(r) AS type, properties(r) AS properties
