// A shortest path between two concepts, given by name or number: its concepts in order.
// params: graph, from, to
// columns: steps, concepts
MATCH (a:Concept {graph: $graph}) WHERE a.name = toString($from) OR a.key = $graph + '/concept/' + toString($from)
MATCH (b:Concept {graph: $graph}) WHERE b.name = toString($to) OR b.key = $graph + '/concept/' + toString($to)
WITH a, b WHERE a <> b
MATCH p = shortestPath((a)-[:SIMILAR_TO*1..15]-(b))
RETURN length(p) AS steps, [c IN nodes(p) | c.name] AS concepts
ORDER BY steps LIMIT 1
