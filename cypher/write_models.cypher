// Create or update Model nodes; a row is {key, props}. The key is given as the id too: ids that the engine makes come twice.
// params: rows
UNWIND $rows AS r MERGE (n:Model {key: r.key, id: r.key}) SET n += r.props
