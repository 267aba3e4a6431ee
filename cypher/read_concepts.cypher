// The concepts of a graph with the theme each is part of.
// params: graph
// columns: key, name, auto_name, size, active, theme
MATCH (c:Concept {graph: $graph})
OPTIONAL MATCH (c)-[:PART_OF]->(t:Theme)
RETURN c.key AS key, c.name AS name, c.auto_name AS auto_name, c.size AS size, c.active AS active, t.key AS theme
