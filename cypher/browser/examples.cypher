// What a class looks like: the concepts that lean to it most, with their example items and what people said of them.
// params: graph, class
// columns: k, l, c, e, i, said, o
MATCH (k:Class {graph: $graph, name: $class})<-[l:LEANS_TO]-(c:Concept)
WITH k, l, c ORDER BY l.mass DESC, c.size DESC LIMIT 5
MATCH (c)<-[e:EXAMPLE_OF]-(i:Item)
OPTIONAL MATCH (i)-[said:LABELLED|LABELLED_NOT]->(o:Class)
RETURN k, l, c, e, i, said, o
