// A Graph is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_graph_key IF NOT EXISTS FOR (n:Graph) REQUIRE n.key IS UNIQUE
