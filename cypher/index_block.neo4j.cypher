// A Block is found by its key; for a database where other people's Block nodes must not be bound by a constraint.
CREATE INDEX kgkt_block_key IF NOT EXISTS FOR (n:Block) ON (n.key)
