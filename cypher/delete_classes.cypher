// Delete classes with what hangs on them; a row is {key}.
// params: rows
UNWIND $rows AS r MATCH (c:Class {key: r.key}) DETACH DELETE c
