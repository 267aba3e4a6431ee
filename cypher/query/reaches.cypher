// Which concepts reach a block of a model, as planned and as measured once it was trained, and what each leans to most.
// params: graph, model, layer, index, limit = 20
// columns: key, concept, strength, planned, measured, class, mass
MATCH (b:Block {graph: $graph, model: toString($model), layer: toString($layer), index: toInteger($index)})<-[m:MAPS_TO]-(c:Concept)
WHERE m.strength > 0 OR m.measured > 0
OPTIONAL MATCH (c)-[l:LEANS_TO]->(k:Class)
WITH c, m, k, l ORDER BY l.mass DESC, k.name
WITH c, m, collect(k.name) AS classes, collect(l.mass) AS masses
RETURN c.key AS key, c.name AS concept, m.strength AS strength, m.planned AS planned, m.measured AS measured, head(classes) AS class, head(masses) AS mass
ORDER BY coalesce(m.measured, m.strength) DESC, key LIMIT $limit
