// Where two classes meet: the strongest edges between concepts of the one and of the other.
// params: graph, a, b
// columns: p
MATCH p = (:Class {graph: $graph, name: $a})<-[l:LEANS_TO]-(:Concept)-[s:SIMILAR_TO]-(:Concept)-[m:LEANS_TO]->(:Class {graph: $graph, name: $b})
WHERE l.mass > 0.5 AND m.mass > 0.5
RETURN p ORDER BY s.weight DESC LIMIT 25
