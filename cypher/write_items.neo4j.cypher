// Create or update Item nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Item {key: r.key}) SET n += r.props
