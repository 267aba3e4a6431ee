// How well each source alone holds each concept together.
// params: graph
// columns: concept, source, share
MATCH (c:Concept {graph: $graph})-[r:CARRIED_BY]->(m:Model)
RETURN c.key AS concept, m.name AS source, r.share AS share
