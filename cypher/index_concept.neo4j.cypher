// A Concept is found by its key; for a database where other people's Concept nodes must not be bound by a constraint.
CREATE INDEX kgkt_concept_key IF NOT EXISTS FOR (n:Concept) ON (n.key)
