// Which concept the row of a word came from, in each Embedding that was written; a word without one kept B's own row.
// params: graph, word, model = "", limit = 20
// columns: model, layer, index, key, concept, active, strength, planned
MATCH (b:Block {graph: $graph, kind: 'row', name: toString($word)})
WHERE $model = '' OR b.model = toString($model)
OPTIONAL MATCH (c:Concept)-[m:MAPS_TO]->(b)
RETURN b.model AS model, b.layer AS layer, b.index AS index, c.key AS key, c.name AS concept, c.active AS active, m.strength AS strength, m.planned AS planned
ORDER BY model, layer, index, strength DESC, key LIMIT $limit
