// A Item is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_item_key IF NOT EXISTS FOR (n:Item) REQUIRE n.key IS UNIQUE
