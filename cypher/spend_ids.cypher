// Use up some of the ids that the engine would give next, and say which was the last.
// params: n
// columns: id
UNWIND range(1, $n) AS i CREATE (g:Graph) WITH g, g.id AS id DELETE g RETURN max(id) AS id
