// A Class is found by its key; for a database where other people's Class nodes must not be bound by a constraint.
CREATE INDEX kgkt_class_key IF NOT EXISTS FOR (n:Class) ON (n.key)
