// Create or update Class nodes; a row is {key, props}.
// params: rows
UNWIND $rows AS r MERGE (n:Class {key: r.key}) SET n += r.props
