// What has a name is found by its words: CALL db.index.fulltext.queryNodes('kgkt_names', 'word').
CREATE FULLTEXT INDEX kgkt_names IF NOT EXISTS FOR (n:Concept|Theme|Class|Item) ON EACH [n.name]
