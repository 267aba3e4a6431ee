// The concepts nearest to a vector are found quickly: CALL db.index.vector.queryNodes('kgkt_centroids', 5, $vector).
// params: dimensions
CREATE VECTOR INDEX kgkt_centroids IF NOT EXISTS FOR (c:Concept) ON (c.centroid)
OPTIONS {indexConfig: {`vector.dimensions`: $dimensions, `vector.similarity_function`: 'cosine'}}
