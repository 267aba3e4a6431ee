// Take away the label of a class from items; a row is {item, class}, the key of the item and the name of the class.
// params: rows
UNWIND $rows AS r MATCH (i:Item {key: r.item})-[e:LABELLED]->(:Class {name: r.class}) DELETE e
