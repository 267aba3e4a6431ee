// Let concepts stand by themselves again; a row is {key}.
// params: rows
UNWIND $rows AS r MATCH (a:Concept {key: r.key})-[e:MERGED_INTO]->(:Concept) DELETE e
