// The strongest themes: how many concepts and items each holds, and its largest concepts.
// params: graph, limit = 20
// columns: key, theme, concepts, items, largest
MATCH (t:Theme {graph: $graph})<-[:PART_OF]-(c:Concept)
WITH t, c ORDER BY c.size DESC, c.key
RETURN t.key AS key, t.name AS theme, count(c) AS concepts, sum(c.size) AS items, collect(c.name)[0..5] AS largest
ORDER BY items DESC, key LIMIT $limit
