// Every graph of the database.
// columns: graph
MATCH (g:Graph) WHERE g.key = g.graph RETURN g AS graph ORDER BY g.key
