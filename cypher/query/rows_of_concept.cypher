// The rows of Embeddings that a concept, given by name or number, was written into: the words, and how strongly.
// params: graph, concept, model = "", limit = 20
// columns: model, layer, index, word, strength, planned
MATCH (c:Concept {graph: $graph})-[m:MAPS_TO]->(b:Block {kind: 'row'})
WHERE (c.name = toString($concept) OR c.key = $graph + '/concept/' + toString($concept))
  AND ($model = '' OR b.model = toString($model))
RETURN b.model AS model, b.layer AS layer, b.index AS index, b.name AS word, m.strength AS strength, m.planned AS planned
ORDER BY strength DESC, model, layer, index LIMIT $limit
