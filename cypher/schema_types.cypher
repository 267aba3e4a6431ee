// Every relationship type of the database.
// columns: name
CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType AS name ORDER BY name
