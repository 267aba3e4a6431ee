// Nodes with kgkt's labels that are not kgkt's (they carry no graph), and how many of them have a key that a graph would use.
// params: graph
// columns: label, nodes, clashes
MATCH (n:Graph) WHERE n.graph IS NULL RETURN 'Graph' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
UNION ALL MATCH (n:Model) WHERE n.graph IS NULL RETURN 'Model' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
UNION ALL MATCH (n:Concept) WHERE n.graph IS NULL RETURN 'Concept' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
UNION ALL MATCH (n:Theme) WHERE n.graph IS NULL RETURN 'Theme' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
UNION ALL MATCH (n:Item) WHERE n.graph IS NULL RETURN 'Item' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
UNION ALL MATCH (n:Class) WHERE n.graph IS NULL RETURN 'Class' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
UNION ALL MATCH (n:Block) WHERE n.graph IS NULL RETURN 'Block' AS label, count(n) AS nodes, sum(CASE WHEN n.key = $graph OR n.key STARTS WITH $graph + '/' THEN 1 ELSE 0 END) AS clashes
