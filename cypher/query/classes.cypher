// The classes in their order, with their labels and how many concepts lean to each.
// params: graph
// columns: index, class, labels, concepts
MATCH (k:Class {graph: $graph})
RETURN k.index AS index, k.name AS class, COUNT { (k)<-[:LABELLED]-(:Item) } AS labels, COUNT { (k)<-[:LEANS_TO]-(:Concept) } AS concepts
ORDER BY index, class
