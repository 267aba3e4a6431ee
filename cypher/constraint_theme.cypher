// A Theme is found by its key, and no key stands twice.
CREATE CONSTRAINT kgkt_theme_key IF NOT EXISTS FOR (n:Theme) REQUIRE n.key IS UNIQUE
