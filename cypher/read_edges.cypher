// The edges between the concepts of a graph.
// params: graph
// columns: a, b, weight, cosine
MATCH (a:Concept {graph: $graph})-[e:SIMILAR_TO]->(b:Concept {graph: $graph})
RETURN a.key AS a, b.key AS b, e.weight AS weight, e.cosine AS cosine
