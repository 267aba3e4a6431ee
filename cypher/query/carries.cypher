// Which blocks of trained models carry a concept, given by name or number: those that go along with it most, as measured.
// params: graph, concept, limit = 20
// columns: model, measured_on, layer, index, kind, strength, planned, measured
MATCH (c:Concept {graph: $graph})-[m:MAPS_TO]->(b:Block)-[:IN_MODEL]->(o:Model)
WHERE m.measured > 0 AND (c.name = toString($concept) OR c.key = $graph + '/concept/' + toString($concept))
RETURN b.model AS model, o.measured_on AS measured_on, b.layer AS layer, b.index AS index, b.kind AS kind, m.strength AS strength, m.planned AS planned, m.measured AS measured
ORDER BY measured DESC, model, layer, index LIMIT $limit
