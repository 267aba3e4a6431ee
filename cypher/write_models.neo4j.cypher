// Create or update Model nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Model {key: r.key}) SET n += r.props
