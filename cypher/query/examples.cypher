// What a concept holds: its example items, with their files and texts. The concept is given by name or number.
// params: graph, concept, limit = 20
// columns: item, strength, class, uri, text
MATCH (i:Item)-[e:EXAMPLE_OF]->(c:Concept {graph: $graph})
WHERE c.name = toString($concept) OR c.key = $graph + '/concept/' + toString($concept)
OPTIONAL MATCH (i)-[:LABELLED]->(k:Class)
RETURN i.item_id AS item, e.strength AS strength, k.name AS class, i.uri AS uri, i.text AS text
ORDER BY strength DESC, item LIMIT $limit
