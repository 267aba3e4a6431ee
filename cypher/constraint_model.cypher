// A Model is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_model_key IF NOT EXISTS FOR (n:Model) REQUIRE n.key IS UNIQUE
