// A Item is found by its key; for a database where other people's Item nodes must not be bound by a constraint.
CREATE INDEX kgkt_item_key IF NOT EXISTS FOR (n:Item) ON (n.key)
