// What lies around a concept, given by its name: its nearest concepts, and what they lean to.
// params: graph, concept
// columns: c, s, d, l, k
MATCH (c:Concept {graph: $graph, name: $concept})-[s:SIMILAR_TO]-(d:Concept)
WITH c, s, d ORDER BY s.weight DESC LIMIT 25
OPTIONAL MATCH (d)-[l:LEANS_TO]->(k:Class) WHERE l.mass > 0.5
RETURN c, s, d, l, k
