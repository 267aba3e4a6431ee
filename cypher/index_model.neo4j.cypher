// A Model is found by its key; for a database where other people's Model nodes must not be bound by a constraint.
CREATE INDEX kgkt_model_key IF NOT EXISTS FOR (n:Model) ON (n.key)
