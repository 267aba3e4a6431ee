// Create or update Item nodes; a row is {key, props}. The key is given as the id too: ids that the engine makes come twice.
// params: rows
UNWIND $rows AS r MERGE (n:Item {key: r.key, id: r.key}) SET n += r.props
