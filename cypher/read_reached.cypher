// Which concepts reach the blocks of one layer of a model, as planned, as people left it and as measured; a block that none reaches has one row.
// params: graph, model, layer
// columns: index, kind, name, concept, called, strength, planned, measured
MATCH (b:Block {graph: $graph, model: $model, layer: $layer})
OPTIONAL MATCH (c:Concept {graph: $graph})-[e:MAPS_TO]->(b)
RETURN b.index AS index, b.kind AS kind, b.name AS name, c.key AS concept, coalesce(c.name, c.auto_name) AS called, e.strength AS strength, e.planned AS planned, e.measured AS measured
ORDER BY index, concept
