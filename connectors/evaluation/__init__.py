"""The evaluation as a developer reads it: tables in the terminal, one HTML page, comparisons."""
