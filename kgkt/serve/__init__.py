"""The service behind `kgkt serve`: the verbs over HTTP, and the page that people use them from."""
