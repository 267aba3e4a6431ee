// The strongest edges between concepts of one class and concepts of another: where the two are mixed up.
// params: graph, a, b, limit = 20
// columns: key, concept_a, mass_a, concept_b, mass_b, weight
MATCH (:Class {graph: $graph, name: toString($a)})<-[p:LEANS_TO]-(c:Concept)-[s:SIMILAR_TO]-(d:Concept)-[q:LEANS_TO]->(:Class {graph: $graph, name: toString($b)})
WHERE p.mass >= 0.5 AND q.mass >= 0.5
RETURN c.key AS key, c.name AS concept_a, p.mass AS mass_a, d.name AS concept_b, q.mass AS mass_b, s.weight AS weight
ORDER BY weight DESC, concept_a, concept_b LIMIT $limit
