// Every property name of the database.
// columns: name
CALL db.propertyKeys() YIELD propertyKey RETURN propertyKey AS name ORDER BY name
