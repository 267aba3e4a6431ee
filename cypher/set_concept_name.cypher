// Name concepts; a row is {key, name}.
// params: rows
UNWIND $rows AS r MATCH (c:Concept {key: r.key}) SET c.name = r.name
