// Create or update Theme nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Theme {key: r.key}) SET n += r.props
