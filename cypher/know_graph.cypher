// Changes nothing. It makes the embedded engine know the property `graph` of labels that only other people used so far:
// it refuses a pattern with a property that no node of the label ever had.
MATCH (n) WHERE n.graph IS NULL SET n.graph = null
