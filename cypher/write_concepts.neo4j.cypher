// Create or update Concept nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Concept {key: r.key}) SET n += r.props
