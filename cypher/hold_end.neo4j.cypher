// Be a graph's writer no longer; a Graph node that was only made to be held goes too.
// params: graph, writer
MATCH (g:Graph {key: $graph}) WHERE g.writer = $writer
REMOVE g.writer, g.writer_until
WITH g WHERE g.complete IS NULL AND NOT EXISTS { (g)--() }
DELETE g
