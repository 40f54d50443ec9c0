"""Open311 GeoReport v2: our cases to the outside, and cases handed on to another city."""
