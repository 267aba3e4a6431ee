// The keys of nodes given by element id.
// params: ids
// columns: id, key
MATCH (n) WHERE elementId(n) IN $ids RETURN elementId(n) AS id, n.key AS key
