// Stay a graph's writer for a while longer; no row says that another one took over.
// params: graph, writer, milliseconds
// columns: holder
MATCH (g:Graph {key: $graph}) WHERE g.writer = $writer
SET g.writer_until = timestamp() + $milliseconds
RETURN g.writer AS holder
