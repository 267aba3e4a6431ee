// Every label of the database.
// columns: name
CALL db.labels() YIELD label RETURN label AS name ORDER BY name
