// Take away every label of some items; a row is {item}, the key of the item.
// params: rows
UNWIND $rows AS r MATCH (i:Item {key: r.item})-[e:LABELLED]->(:Class) DELETE e
