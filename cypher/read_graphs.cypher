// Every graph of the database.
// columns: graph
MATCH (g:Graph) RETURN g AS graph ORDER BY g.key
