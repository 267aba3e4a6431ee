// A Block is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_block_key IF NOT EXISTS FOR (n:Block) REQUIRE n.key IS UNIQUE
