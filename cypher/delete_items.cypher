// Delete items that no relationship holds; a row is {key}.
// params: rows
UNWIND $rows AS r MATCH (i:Item {key: r.key}) WHERE NOT EXISTS { (i)--() } DELETE i
