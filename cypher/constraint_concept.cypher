// A Concept is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_concept_key IF NOT EXISTS FOR (n:Concept) REQUIRE n.key IS UNIQUE
