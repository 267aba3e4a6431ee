// Touches a node and a relationship, so that the engine has loaded what it needs before its child is fenced.
// columns: g, r
MATCH (g:Graph) OPTIONAL MATCH (g)-[r]->() RETURN g, r LIMIT 1
