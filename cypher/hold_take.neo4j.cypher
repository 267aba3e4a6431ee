// Become a graph's writer if nobody is, or the one that is has not been heard of for long, or is known to be gone.
// Where no constraint keeps a key from standing twice, two writers may have made the node: one stays.
// params: graph, writer, gone, milliseconds
// columns: holder
MATCH (g:Graph {key: $graph})
WITH g ORDER BY elementId(g)
SET g.graph = $graph
WITH collect(g) AS all
FOREACH (other IN [x IN all[1..] WHERE NOT EXISTS { (x)--() }] | DELETE other)
WITH all[0] AS g
WITH g, g.writer IS NULL OR g.writer IN [$writer, $gone] OR g.writer_until < timestamp() AS free
SET g.writer = CASE WHEN free THEN $writer ELSE g.writer END,
    g.writer_until = CASE WHEN free THEN timestamp() + $milliseconds ELSE g.writer_until END
RETURN g.writer AS holder
