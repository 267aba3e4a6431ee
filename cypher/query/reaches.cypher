// Which concepts reach a block of a model, and what each leans to most.
// params: graph, model, layer, index, limit = 20
// columns: key, concept, strength, planned, class, mass
MATCH (b:Block {graph: $graph, model: toString($model), layer: toString($layer), index: toInteger($index)})<-[m:MAPS_TO]-(c:Concept)
WHERE m.strength > 0
OPTIONAL MATCH (c)-[l:LEANS_TO]->(k:Class)
WITH c, m, k, l ORDER BY l.mass DESC, k.name
WITH c, m, collect(k.name) AS classes, collect(l.mass) AS masses
RETURN c.key AS key, c.name AS concept, m.strength AS strength, m.planned AS planned, head(classes) AS class, head(masses) AS mass
ORDER BY strength DESC, key LIMIT $limit
