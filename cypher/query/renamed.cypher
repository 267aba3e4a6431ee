// The concepts that people gave a name, beside the name they were made with.
// params: graph
// columns: key, concept, made_as
MATCH (c:Concept {graph: $graph})
WHERE c.name <> c.auto_name
RETURN c.key AS key, c.name AS concept, c.auto_name AS made_as
ORDER BY key
