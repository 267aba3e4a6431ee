// Create or update Block nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Block {key: r.key}) SET n += r.props
