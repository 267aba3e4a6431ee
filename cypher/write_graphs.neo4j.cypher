// Create or update Graph nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Graph {key: r.key}) SET n += r.props
