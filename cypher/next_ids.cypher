// The highest id that a node has among those that the engine would give soon.
// params: from, below
// columns: id
MATCH (n) WHERE n.id >= $from AND n.id < $below RETURN max(n.id) AS id
