// A Theme is found by its key; for a database where other people's Theme nodes must not be bound by a constraint.
CREATE INDEX kgkt_theme_key IF NOT EXISTS FOR (n:Theme) ON (n.key)
