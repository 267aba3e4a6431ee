// A Graph is found by its key; for a database where other people's Graph nodes must not be bound by a constraint.
CREATE INDEX kgkt_graph_key IF NOT EXISTS FOR (n:Graph) ON (n.key)
