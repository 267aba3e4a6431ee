// The concepts of a graph that people counted as parts of others.
// params: graph
// columns: a, b
MATCH (a:Concept {graph: $graph})-[:MERGED_INTO]->(b:Concept {graph: $graph}) RETURN a.key AS a, b.key AS b
