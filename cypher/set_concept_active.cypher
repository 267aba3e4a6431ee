// Switch concepts on or off; a row is {key, active}.
// params: rows
UNWIND $rows AS r MATCH (c:Concept {key: r.key}) SET c.active = r.active
