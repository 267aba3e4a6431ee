// A Class is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_class_key IF NOT EXISTS FOR (n:Class) REQUIRE n.key IS UNIQUE
