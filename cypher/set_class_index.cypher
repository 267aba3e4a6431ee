// Fix the order of the classes; a row is {key, index}.
// params: rows
UNWIND $rows AS r MATCH (c:Class {key: r.key}) SET c.index = r.index
