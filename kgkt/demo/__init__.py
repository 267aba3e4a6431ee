"""The demo on digits: data and models, the comparison, one edit, tables and a picture."""
